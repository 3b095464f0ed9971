"""One call of one provider, from its first line in the ledger to the one that settles it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from providers.base import (
    Defect,
    Gone,
    Picture,
    PictureRequest,
    Provider,
    ProviderError,
    Spoilt,
    Unavailable,
    Unreachable,
)
from studio.book import Book, Made
from studio.gallery import digest
from studio.job import Job
from studio.keys import key_of
from studio.offer import Planned
from studio.receipt import Attempt, Receipt, skipped
from studio.words import Said

_log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds that a provider gets to tidy up once its time is over or the request was stopped."""

NEARLY = 0.5
"""Seconds before the end of a request in which a silence is the request's, not the provider's."""

Provide = Callable[[str], Provider]


class Call:
    """Runs to its end whatever becomes of whoever waits for it."""

    def __init__(
        self,
        book: Book,
        job: Job,
        row: Planned,
        provide: Provide,
        trail: tuple[Attempt, ...],
        later: Sequence[Planned],
    ) -> None:
        self._book, self._job, self._row, self._provide = book, job, row, provide
        self._trail, self._later = trail, later
        self._stop = asyncio.Event()
        self._cut_short = False
        self.is_asked = False

    def stop(self) -> None:
        """Nobody wants it any more: the provider is told, which may still cost. One that has not
        been asked by then is not asked.
        """
        self._stop.set()

    async def run(self) -> tuple[Made | None, Attempt]:
        """The picture, if it came, and what is to be said of the attempt. Never an exception of a
        provider.
        """
        running = self._book.ledger.calls
        running.add(self._job.id)
        try:
            return await self._run()
        finally:
            running.discard(self._job.id)

    async def _run(self) -> tuple[Made | None, Attempt]:
        opened = await asyncio.to_thread(self._book.ledger.start, self._job.id, self._row)
        if isinstance(opened, Said):
            return None, skipped(self._row, opened)
        loop = asyncio.get_running_loop()
        started = loop.time()
        picture, error = None, None
        try:
            picture = await self._ask(started)
        except ProviderError as caught:
            spoilt = isinstance(caught, Spoilt) and self._row.model.usd != 0
            error = self._lost(caught.reason) if spoilt else caught
            if isinstance(caught, Defect):
                self._log_fault()
        except asyncio.CancelledError:
            self._stop.set()
            error = self._lost(Said("stopped"))
        except Exception as caught:
            self._log_fault()
            error = Defect(str(Said("defect", kind=type(caught).__name__)))
        attempt = replace(self._attempt(picture, error), seconds=loop.time() - started)
        if picture:
            receipt = self._receipt(picture, attempt, loop.time() - self._job.started)
            entered = asyncio.to_thread(self._book.enter, opened, attempt, picture.data, receipt)
            try:
                return await asyncio.shield(entered), attempt
            except OSError as full:  # a disk, say: what it cost is known all the same
                self._log_fault()
                reason = str(Said("defect", kind=type(full).__name__))
                attempt = replace(attempt, outcome="defect", reason=reason, fault="ours")
        settled = asyncio.to_thread(self._book.ledger.settle, opened, attempt)
        await asyncio.shield(settled)
        return None, attempt

    async def _ask(self, now: float) -> Picture:
        job, row, wish = self._job, self._row, self._job.request
        until = min(job.until, now + row.entry.timeout)
        if self._stop.is_set():
            raise Unavailable(str(Said("stopped")))
        job.watch(row, None, self._trail)
        request = PictureRequest(
            wish.prompt, wish.negative_prompt, wish.width, wish.height, job.seed,
            wish.steps, wish.guidance, row.model.id,
        )  # fmt: skip
        self.is_asked = True
        asked = asyncio.ensure_future(
            self._provide(row.entry.name).generate(
                request,
                key=key_of(row.entry, job.environ),
                deadline=until,
                report=lambda progress: job.watch(row, progress, self._trail),
            )
        )
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait(
                {asked, stopped}, timeout=until - now, return_when=asyncio.FIRST_COMPLETED
            )
            ended = asyncio.get_running_loop().time()
            self._cut_short = until == job.until and ended > until - NEARLY
        finally:
            stopped.cancel()
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked}, timeout=GRACE)
        if not asked.done() or asked.cancelled():
            if self._stop.is_set():
                raise self._lost(Said("stopped"))
            raise self._lost(Said("no_answer", seconds=f"{round(until - now, 2):g}"))
        picture = asked.result()
        return replace(picture, notes=tuple(map(self._keyless, picture.notes)))

    def _lost(self, said: object) -> ProviderError:
        return self._row.entry.lost(self._row.model.id, str(said))

    def _attempt(self, picture: Picture | None, error: ProviderError | None) -> Attempt:
        row = self._row
        asked = Attempt(row.entry.name, row.model.id, "succeeded")
        if picture:
            billed = "no" if picture.cost_usd == 0 else "yes"
            return replace(asked, cost_usd=picture.cost_usd, billed=billed)
        error = error or Defect("no picture and no reason")
        unsure = error.outcome in ("outcome_unknown", "defect") and row.model.usd != 0
        return replace(
            asked, outcome=error.outcome, reason=self._keyless(error.reason),
            retry_at=error.retry_at, billed="maybe" if unsure else "no",
            cost_usd=None if unsure else Decimal(0), fault=self._fault(error),
            again=isinstance(error, Unavailable) and error.again and not self._stop.is_set(),
        )  # fmt: skip

    def _fault(self, error: ProviderError) -> str:
        if self._stop.is_set():
            return "ours"
        if isinstance(error, Gone):
            return "gone"
        if isinstance(error, Unreachable) or error.outcome == "outcome_unknown":
            return "ours" if self._cut_short else "unreachable"
        return ""

    def _receipt(self, picture: Picture, attempt: Attempt, seconds: float) -> Receipt:
        row = self._row
        rest = tuple(skipped(later, later.said) for later in self._later if later.said)
        return Receipt(
            self._job.id, row.entry.name, row.model.id, picture.seed, picture.width,
            picture.height, picture.media_type, digest(picture.data), seconds, picture.cost_usd,
            row.paid_by, row.sample, picture.notes, (*self._trail, attempt, *rest),
        )  # fmt: skip

    def _keyless(self, text: str) -> str:
        """A text from outside without the key that was sent there."""
        key = key_of(self._row.entry, self._job.environ)
        return text.replace(key, "•••") if key else text

    def _log_fault(self) -> None:
        """The running exception with its traceback, but for the key."""
        told = self._keyless(traceback.format_exc())
        _log.error("%s let an exception through\n%s", self._row.entry.adapter, told)
