"""The router: asks one offer after the other until a picture comes, and keeps the trail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from studio.book import Book, Made
from studio.calls import Call, Provide
from studio.config import Config
from studio.job import Job
from studio.offer import Planned
from studio.receipt import Attempt, skipped
from studio.words import Said

SHORT = timedelta(seconds=15)
"""A limit that is over by then is waited for, where nobody else could be asked meanwhile."""


class Router:
    def __init__(self, config: Config, provide: Provide, book: Book) -> None:
        self._config = config
        self._provide = provide
        self._book = book
        self._not_set_up: dict[tuple[str, str], Said] = {}
        self._calls: dict[asyncio.Future[tuple[Made | None, Attempt]], Call] = {}
        self._closing = False

    async def run(self, job: Job, plan: Sequence[Planned], trail: list[Attempt]) -> Made | None:
        """Walk the plan. The picture, if one came; every attempt is in `trail`, in order."""
        for position, row in enumerate(plan):
            later = plan[position + 1 :]
            made = await self._try(job, row, trail, later)
            if not made and (wait := self._worth_waiting(job, trail[-1], later)) is not None:
                await asyncio.sleep(wait)
                made = await self._try(job, replace(row, rest=None), trail, later)
            if made:
                return made
            if trail[-1].outcome == "refused" and self._config.on_refusal == "stop":
                break
        return None

    def not_set_up(self, provider: str, account: str) -> Said | None:
        """Why an account is not asked before another start: its key was refused, say."""
        return self._not_set_up.get((provider, account))

    def forgive(self, provider: str, account: str) -> None:
        """It may be asked again: a check went well."""
        self._not_set_up.pop((provider, account), None)

    async def aclose(self) -> None:
        """End what still runs, also what nobody waits for any more; nobody is asked after that."""
        self._closing = True
        for call in self._calls.values():
            call.stop()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _try(
        self, job: Job, row: Planned, trail: list[Attempt], later: Sequence[Planned]
    ) -> Made | None:
        """One offer; what comes of it is in the trail, and in the ledger, before we go on."""
        if said := row.said or self._left_out_now(job, row, trail):
            trail.append(skipped(row, said))
            return None
        call = Call(self._book, job, row, self._provide, tuple(trail), later)
        ending = asyncio.ensure_future(call.run())
        self._calls[ending] = call
        ending.add_done_callback(self._calls.pop)
        try:
            made, attempt = await asyncio.shield(ending)
        except asyncio.CancelledError:
            # Nothing is gained by hanging up on what is paid for and cannot be taken back: should
            # its picture come, it is kept.
            if row.stoppable or row.model.usd == 0 or not call.is_asked:
                call.stop()
                await asyncio.wait({ending})
                trail.append(ending.result()[1])
            raise
        trail.append(attempt)
        if attempt.outcome == "not_configured":
            said = Said("not_set_up", reason=attempt.reason)
            self._not_set_up[row.entry.name, row.account] = said
        return made

    def _worth_waiting(self, job: Job, attempt: Attempt, later: Sequence[Planned]) -> float | None:
        """Seconds to wait before the same offer is asked once more, or None. That is for what was
        not accepted, and only where nobody else is left: to go on is the better second try.
        """
        if any(row.said is None and not row.sample for row in later):
            return None
        wait = random.uniform(0.1, 0.4)
        if attempt.outcome == "rate_limited" and attempt.retry_at:
            ahead = attempt.retry_at - self._book.ledger.clock()
            if ahead > SHORT:
                return None
            wait += max(0.0, ahead.total_seconds())
        elif not attempt.again:
            return None
        return wait if asyncio.get_running_loop().time() + wait < job.until else None

    def _left_out_now(self, job: Job, row: Planned, trail: Sequence[Attempt]) -> Said | None:
        """Why an offer that was ready is not asked after what happened on the way to it."""
        for_nothing = row.costs_nothing and row.state != "last_resort"
        if self._closing or asyncio.get_running_loop().time() >= job.until:
            return Said("too_late")
        if not for_nothing and any(attempt.billed != "no" for attempt in trail):
            return Said("may_be_billed")
        if not for_nothing and any(attempt.outcome == "refused" for attempt in trail):
            return Said("after_refusal")
        return None
