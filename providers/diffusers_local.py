"""An open model in this very process, through the `diffusers` library: no server, no network.

The model's id is one of the Hugging Face hub's, or a folder. `options`: `steps` and `guidance`
(where the request has none), `sides` (see `_sides.py`), `device` (auto, cpu, cuda, mps), `dtype`
(auto, float32, float16, bfloat16), `variant` (of the weights, such as fp16), and `download`: only
with true is a model fetched that is not on this disk, for it is gigabytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TypeVar

from providers._deadline import GRACE, Late, before
from providers._diffusers_painter import Job, Painter
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    SendsPromptTo,
    Traits,
)
from providers.errors import ProviderError, Unavailable

TRAITS = Traits(
    needs_key=False,
    needs_packages=("torch", "diffusers", "transformers"),
    install="pip install -r requirements-gpu.txt",
    models=(Model("SimianLuo/LCM_Dreamshaper_v7", Decimal(0)),),
    sends_prompt_to=SendsPromptTo("nowhere", "this process"),
)
CHECK_SECONDS = 10.0
"""For a check; the first one imports torch."""

T = TypeVar("T")


def create(entry: Entry) -> DiffusersLocal:
    return DiffusersLocal(entry)


class DiffusersLocal:
    """No pipeline is made for two threads: one paints, and who comes meanwhile stands in line."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._painter = Painter(entry)
        self._thread: ThreadPoolExecutor | None = None
        self._line: list[Job] = []

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        loop = asyncio.get_running_loop()
        deadline = min(deadline, loop.time() + self._entry.timeout)

        def tell(progress: Progress) -> None:
            loop.call_soon_threadsafe(report, progress)

        job, painter = Job(request, tell), self._painter
        self._line.append(job)
        self._tell_places()
        try:
            return await before(deadline, self._in_thread(lambda: painter.paint(job), job))
        except Late as late:
            raise Unavailable(f"not done in time ({job.doing})") from late
        finally:
            self._line.remove(job)
            self._tell_places()

    async def check(self, *, key: str | None) -> Check:
        """Which models are on this disk, and what they would run on. Loads none."""
        if self._line:
            return Check(True, f"at work ({self._line[0].doing})")
        wait = min(self._entry.timeout, CHECK_SECONDS)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            return Check(True, await before(deadline, self._in_thread(self._painter.describe)))
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)

    async def aclose(self) -> None:
        """Stop what is being painted at its next step, and give the memory back."""
        for job in self._line:
            job.stop.set()
        thread, painter = self._thread, self._painter
        self._thread, self._painter = None, Painter(self._entry)
        if thread:
            freed = asyncio.wrap_future(thread.submit(painter.free))
            thread.shutdown(wait=False)
            await asyncio.wait({freed}, timeout=GRACE)

    async def _in_thread(self, work: Callable[[], T], job: Job | None = None) -> T:
        """The result of `work`. Cancelled, `job` is stopped and its end, one step away, waited
        for; what has not begun never will.
        """
        self._thread = self._thread or ThreadPoolExecutor(1, "diffusers")
        submitted = self._thread.submit(work)
        ending = asyncio.wrap_future(submitted)
        ending.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            if job:
                job.stop.set()
            try:
                if not submitted.cancel():
                    await asyncio.wait({ending})
            finally:
                ending.cancel()
            raise

    def _tell_places(self) -> None:
        """To whom it is news; the first in the line is being painted."""
        for place, job in enumerate(self._line):
            if place and place != job.place:
                job.tell(Progress(queue_place=place, words="waiting for another picture"))
            job.place = place
