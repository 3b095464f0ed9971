"""A job of gradio_client: waited for without holding anybody up, watched, and taken back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import httpx

from providers._answer import address
from providers._gradio_clients import Clients, Held
from providers.base import Progress
from providers.errors import Unsupported

LOOK_SECONDS = 0.25
STOP_SECONDS = 1.5


def submit(held: Held, api_name: str, arguments: Mapping[str, Any]) -> Any:
    """Begin a job, in a thread of the SDK's. It fails here where the Space's API is another one."""
    try:
        return held.client.submit(api_name=api_name, **arguments)
    except (TypeError, ValueError) as error:
        host = address(held.client.src)
        raise Unsupported(f"{host} is not called like that: its API has changed") from error


async def finish(
    held: Held, job: Any, clients: Clients, report: Callable[[Progress], None]
) -> Future[Any]:
    """Wait for `job`, which is over then; how it went, its future says. Cancelled, it takes the
    job out of the Space's queue.
    """
    done, told = _when_done(job.future), None
    try:
        while not job.future.done():
            await _or_later(done, LOOK_SECONDS)
            progress = _progress(job.status())
            if progress != told and not job.future.done():
                told = progress
                report(progress)
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.ensure_future(clients.in_thread(_stop, held, job)))
        raise
    future: Future[Any] = job.future
    return future


def _when_done(job: Future[Any]) -> asyncio.Event:
    """`asyncio.wrap_future` would take the SDK's CancelledError for a cancellation of ours."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(event.set)

    job.add_done_callback(tell)
    return event


async def _or_later(event: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()


def _stop(held: Held, job: Any) -> None:
    """`job.cancel()` would do this and then post to `/reset`, which does nothing any more (see
    gradio's routes.py) and for which the SDK takes no timeout of ours.
    """
    if job.communicator.event_id is None:
        return
    held.line.until = time.monotonic() + STOP_SECONDS
    with suppress(httpx.HTTPError):
        job.cancel_fn()


def _progress(status: Any) -> Progress:
    """`rank` is how many are before us in the Space's queue."""
    waiting = status.code.value == "IN_QUEUE"
    steps = [unit for unit in status.progress_data or () if unit.index is not None and unit.length]
    return Progress(
        fraction=max(0.0, min(1.0, steps[-1].index / steps[-1].length)) if steps else None,
        queue_place=status.rank if waiting else None,
        eta_seconds=status.eta if waiting else None,
        words="" if waiting or steps else "waiting for the Space",
    )
