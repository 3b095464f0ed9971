"""Where a job of ComfyUI's is: in its history, in its queue, or taken out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from providers._comfy_server import Server
from providers.errors import ProviderError, Unavailable

STOP_SECONDS = 1.0


async def entry_of(server: Server, job: str) -> Mapping[str, Any] | None:
    """Its entry in the history, which it has from its end on."""
    found = (await server.ask(f"history/{quote(job, safe='')}")).json()
    entry = found.get(job) if isinstance(found, Mapping) else None
    return entry if isinstance(entry, Mapping) else None


async def place_of(server: Server, job: str) -> int | None:
    """How many are before it in the queue, with those that run; 0 if it runs itself, None if it is
    not there.
    """
    queue = (await server.ask("queue")).json()
    try:
        running, pending = queue["queue_running"], queue["queue_pending"]
        if any(item[1] == job for item in running):
            return 0
        number = next((item[0] for item in pending if item[1] == job), None)
        if number is None:
            return None
        before = sum(1 for item in pending if item[0] < number)
        return max(1, len(running) + before)
    except (IndexError, KeyError, TypeError) as error:
        raise Unavailable("the queue is not understood") from error


async def take_back(server: Server, job: str) -> None:
    """Out of the queue first, then stopped if it runs: between the two it may have begun."""
    with suppress(ProviderError):
        await server.ask("queue", {"delete": [job]}, seconds=STOP_SECONDS)
    with suppress(ProviderError):
        await server.ask("interrupt", {"prompt_id": job}, seconds=STOP_SECONDS)
