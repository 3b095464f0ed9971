"""The clients of gradio_client: built in a thread, one for each call at a time, a few kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from providers._answer import address
from providers._gradio_errors import unbuilt
from providers._gradio_line import Line
from providers._hf_clients import prepare_sdk
from providers._hf_errors import translate as translate_hub
from providers.base import Entry
from providers.errors import NotConfigured, Unavailable

MAX_IDLE = 4
MAX_THREADS = 8
HUB_SECONDS = 10.0
"""For one look-up: a small answer of the hub's."""

GRACE = 2.0
"""Seconds after the deadline in which the SDK's calls fail by themselves, were they not cut."""

NOT_RUNNING = ("PAUSED", "STOPPED", "NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR")

T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """A client, and the line that all its traffic goes over."""

    client: Any
    line: Line


class Clients:
    """The clients of one entry, by Space and key."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._idle: dict[tuple[str, str | None], Held] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="gradio_client")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    @asynccontextmanager
    async def take(self, space: str, key: str | None, deadline: float) -> AsyncIterator[Held]:
        """A client that nobody else uses meanwhile, whose calls all end soon after `deadline`.
        After an error it is closed and not kept, so that a Space that changed is read anew.
        """
        until = time.monotonic() + deadline - asyncio.get_running_loop().time() + GRACE
        held = self._idle.pop((space, key), None) or await self._new(space, key, until)
        held.line.until = until
        try:
            yield held
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(self.in_thread(close, held)))
            raise
        spare = self._idle.pop((space, key), None)
        if spare is None and len(self._idle) >= MAX_IDLE:
            spare = self._idle.pop(next(iter(self._idle)))
        self._idle[space, key] = held
        if spare is not None:
            await self.in_thread(close, spare)

    async def find(self, space: str, key: str | None) -> str:
        """The address of `space`, which may be one already."""
        if space.startswith(("http://", "https://")):
            return space
        return await self.in_thread(_look_up, space, key, self._entry)

    async def aclose(self) -> None:
        while self._idle:
            await self.in_thread(close, self._idle.popitem()[1])
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    async def _new(self, space: str, key: str | None, until: float) -> Held:
        url = await self.find(space, key)
        line = Line(httpx.URL(url).host, self._entry.connect_timeout)
        line.until = until
        try:
            return Held(await self.in_thread(_build, url, key, line), line)
        except asyncio.CancelledError:
            line.cut()
            raise


def import_sdk(connect_timeout: float) -> None:
    """Half a second, so call this in a thread."""
    try:
        import gradio_client  # noqa: F401
    except ImportError as error:
        raise NotConfigured(
            "gradio_client is not installed; run: pip install gradio_client"
        ) from error
    prepare_sdk(connect_timeout)


def close(held: Held) -> None:
    """End all its threads (blocking, for at most a second)."""
    held.line.cut()
    held.client.close()
    for pool in (held.client.executor, held.client.helper_executor, held.client.stream_executor):
        pool.shutdown(wait=False)


def _build(url: str, key: str | None, line: Line) -> Any:
    """The SDK asks the Space for its API here. Given an address, it does not ask the hub, nor wait
    for a Space that sleeps; `token=False` keeps it from the token this machine is logged in with.
    """
    from gradio_client import Client

    class Quiet(Client):  # type: ignore[misc]
        def _telemetry_thread(self) -> None:
            """It is started in spite of `analytics_enabled=False`."""

    try:
        return Quiet(
            url,
            token=key or False,
            max_workers=1,
            verbose=False,
            analytics_enabled=False,
            download_files=False,
            httpx_kwargs={"auth": line},
        )
    except Exception as error:
        raise unbuilt(error, address(url), key) from error


def _look_up(space: str, key: str | None, entry: Entry) -> str:
    """Ask the hub where `space` runs, and whether it does."""
    import httpx2
    from huggingface_hub import HfApi

    timeout: Any = httpx2.Timeout(HUB_SECONDS, connect=entry.connect_timeout)
    try:
        info = HfApi(token=key or False).space_info(space, timeout=timeout)
    except Exception as error:
        raise translate_hub(error, entry, space, key, sent=False) from error
    stage = str(info.runtime.stage) if info.runtime else ""
    if stage in NOT_RUNNING:
        raise Unavailable(f"the Space {space} does not run ({stage})")
    if stage == "BUILDING" or not info.host:
        raise Unavailable(f"the Space {space} is being built")
    return info.host
