"""One thread's painter: loads a model once, keeps it, and paints one picture after the other."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from providers import _diffusers_disk as disk
from providers._diffusers_call import Call, Stopped, picture_of, run
from providers._diffusers_load import device_of, load
from providers.base import Entry, Picture, PictureRequest, Progress
from providers.errors import Unavailable


class Job:
    """One request. `place` is how many are before it, and `doing` what is going on, in words."""

    def __init__(self, request: PictureRequest, report: Callable[[Progress], None]) -> None:
        self.request = request
        self.stop = threading.Event()
        self.place = 0
        self.doing = "not begun"
        self._report = report

    def tell(self, progress: Progress) -> None:
        self.doing = progress.words
        if not self.stop.is_set():
            self._report(progress)

    def go_on(self) -> None:
        """Raises Stopped once `stop` is set."""
        if self.stop.is_set():
            raise Stopped


class Painter:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._model = ""
        self._pipe: Any = None

    def paint(self, job: Job) -> Picture:
        """The picture. Raises a ProviderError."""
        options, model = self._entry.options, job.request.model
        try:
            job.go_on()
            disk.require_packages()
            pipe = self._loaded(model, job)
            job.go_on()
            call = Call.of(pipe, job.request, options)
            job.tell(Progress(fraction=0.0, words="painting"))
            result = run(pipe, call, _Steps(job))
        except Stopped as stopped:
            raise Unavailable(f"stopped ({job.doing})") from stopped
        return picture_of(pipe, result, job.request, call, self._entry.usd(model))

    def describe(self) -> str:
        """Which of the entry's models are on this disk, and what runs them. Raises NotConfigured
        if there is none.
        """
        disk.require_packages()
        models = [model.id for model in self._entry.models]
        here = [model for model in models if disk.is_here(model)]
        if not here and not self._entry.options.get("download"):
            raise disk.absent(models[0])
        device = device_of(self._entry.options)
        return f"{', '.join(here) or 'fetches ' + models[0] + ' when first asked'}; on {device}"

    def free(self) -> None:
        self._model, self._pipe = "", None  # there are no cycles in it: this frees it
        if torch := sys.modules.get("torch"):
            with suppress(RuntimeError):
                torch.cuda.empty_cache()  # nothing happens without a GPU

    def _loaded(self, model: str, job: Job) -> Any:
        """The pipeline of `model`. A load goes on when nobody waits for it any more: there is no
        stopping it, and the next request finds it done.
        """
        if self._model != model:
            if not disk.is_here(model) and not self._entry.options.get("download"):
                raise disk.absent(model)
            self.free()

            def say(words: str) -> None:
                job.tell(Progress(words=words))

            self._pipe = load(model, self._entry.options, say)
            self._model = model
        return self._pipe


class _Steps:
    """Called after each step: reports it, and ends the work if nobody wants the picture."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._began = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        self._job.go_on()
        seconds = (time.monotonic() - self._began) / done * (total - done)
        words = f"step {done} of {total}"
        self._job.tell(Progress(fraction=done / total, eta_seconds=round(seconds, 1), words=words))
