"""The queue of the AI Horde: a job is handed in, waited for, and taken back if need be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from providers._hf_clients import refuse_odd
from providers._horde_errors import Gone, refuse_failure
from providers._horde_job import is_over, progress_in
from providers._rest import Api, Reply
from providers.base import Entry, Progress
from providers.errors import (
    ProviderError,
    RateLimited,
    Spoilt,
    Unavailable,
)

ANONYMOUS = "0000000000"
AGENT = "Freebrush:1:https://github.com/"
"""`Client-Agent`: name, version, contact. One that says nothing is the first to be blocked."""

POLL_SECONDS = 2.0
"""The service answers from a cache of a second."""

MISSES = 3
"""Answers after a job that may fail in a row before it is given up."""

LONGEST_WAIT, FIRST_LOOKS = 120.0, 3
"""Seconds in the queue that are worth it, and how often that is asked; later the place counts."""

STOP_SECONDS = 1.4


class Queue:
    """As whoever holds `key` may use it."""

    def __init__(self, api: Api, entry: Entry, key: str | None) -> None:
        refuse_odd(key)
        self._api = api
        self._entry = entry
        self._key = key

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        lost: Callable[[str], ProviderError] = Unavailable,
    ) -> Reply:
        """Raises a ProviderError, also for a status that is no success."""
        agent = str(self._entry.options.get("client_agent") or AGENT)
        headers = {"apikey": self._key or ANONYMOUS, "client-agent": agent}
        asked = self._api.ask(method, path, key=None, body=body, headers=headers, lost=lost)
        reply = await asked
        refuse_failure(reply, self._key)
        return reply

    async def make(
        self,
        body: Mapping[str, Any],
        model: str,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Any:
        """The finished job. Whatever ends the wait before, the job is taken back."""

        def lost(reason: str) -> ProviderError:
            return self._entry.lost(model, reason)

        begun = asyncio.ensure_future(self._begin(body, lost))
        try:
            job = await asyncio.shield(begun)
            await self._wait(job, deadline, report, lost)
            return (await self.ask("GET", f"generate/status/{job}", lost=lost)).json()
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(self._take_back(begun)))
            raise

    async def _begin(self, body: Mapping[str, Any], lost: Callable[[str], ProviderError]) -> str:
        answer = (await self.ask("POST", "generate/async", body, lost)).json()
        job = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(job, str) or not job.replace("-", "").isalnum():
            raise Spoilt("the answer names no job")
        return job

    async def _wait(
        self,
        job: str,
        deadline: float,
        report: Callable[[Progress], None],
        lost: Callable[[str], ProviderError],
    ) -> None:
        options, looks, misses = self._entry.options, 0, 0
        while True:
            await asyncio.sleep(float(options.get("poll_seconds", POLL_SECONDS)))
            try:
                check = (await self.ask("GET", f"generate/check/{job}")).json()
            except Gone:
                raise
            except (RateLimited, Unavailable) as error:
                misses += 1
                if misses == MISSES:
                    raise lost(f"the job was lost: {error}") from error
                continue
            looks, misses = looks + 1, 0
            longest = deadline - asyncio.get_running_loop().time()
            if looks <= FIRST_LOOKS:
                longest = min(longest, float(options.get("longest_wait", LONGEST_WAIT)))
            if is_over(check, longest):
                return
            report(progress_in(check))

    async def _take_back(self, begun: asyncio.Future[str]) -> None:
        """A job whose id is still on its way is waited for: else it would be made for nobody."""
        with suppress(ProviderError, asyncio.TimeoutError):
            job = await asyncio.wait_for(begun, STOP_SECONDS)
            await asyncio.wait_for(self.ask("DELETE", f"generate/status/{job}"), STOP_SECONDS)
