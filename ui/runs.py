"""The runs that are under way on this page, so that Stop and a closed tab can end them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import gradio as gr

from providers.base import Progress
from studio.offer import Planned
from studio.receipt import Attempt
from studio.request import Request
from studio.studio import Made, Studio


@dataclass(frozen=True)
class Step:
    """One moment of a run; the last has `made` or `error`. `elapsed` is seconds."""

    prompt: str
    elapsed: float
    row: Planned | None = None
    progress: Progress | None = None
    trail: tuple[Attempt, ...] = ()
    made: Made | None = None
    error: BaseException | None = None

    @property
    def is_last(self) -> bool:
        return self.made is not None or self.error is not None

    @property
    def may_be_billed(self) -> bool:
        """Whether what was asked last may have cost something."""
        return self.row is not None and self.row.model.usd != 0


class Runs:
    """At most one run for each open page."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._running: dict[str, asyncio.Task[Made]] = {}

    async def follow(self, request: gr.Request, asked: Request) -> AsyncIterator[Step]:
        """Start a run and tell how it goes. Where one is under way already, nothing is started."""
        page = str(request.session_hash)
        if page in self._running:
            return
        loop = asyncio.get_running_loop()
        started = loop.time()
        moments: asyncio.Queue[Step] = asyncio.Queue()
        last = Step(asked.prompt, 0.0)

        def watch(row: Planned, progress: Progress | None, trail: Sequence[Attempt]) -> None:
            elapsed = loop.time() - started
            moments.put_nowait(Step(asked.prompt, elapsed, row, progress, tuple(trail)))

        visitor = self._studio.visitor(request.headers)
        task = asyncio.create_task(self._studio.generate(asked, visitor, watch))
        self._running[page] = task
        try:
            yield last
            while not task.done():
                moment = asyncio.ensure_future(moments.get())
                await asyncio.wait({task, moment}, return_when=asyncio.FIRST_COMPLETED)
                if moment.done():
                    yield (last := moment.result())
                else:
                    moment.cancel()
            elapsed = loop.time() - started
            if task.cancelled():
                stopped = asyncio.CancelledError()
                yield Step(asked.prompt, elapsed, last.row, trail=last.trail, error=stopped)
            elif error := task.exception():
                yield Step(asked.prompt, elapsed, error=error)
            else:
                yield Step(asked.prompt, elapsed, made=task.result())
        finally:
            task.cancel()
            self._running.pop(page, None)

    def stop(self, request: gr.Request) -> None:
        """End the run of this page, if there is one."""
        if task := self._running.get(str(request.session_hash)):
            task.cancel()
