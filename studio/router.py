"""The router: asks one offer after the other until a picture comes, and keeps the trail."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from providers.base import Defect, Picture, PictureRequest, Progress, Provider, ProviderError
from studio.budget import Purse, Reservation
from studio.config import Config
from studio.keys import key_of
from studio.ledger import Ledger
from studio.plan import Planned
from studio.receipt import Attempt
from studio.request import Request
from studio.visitor import Visitor
from studio.words import Said

_log = logging.getLogger(__name__)
Result = TypeVar("Result")

GRACE = 5.0
"""Seconds that a provider gets to tidy up once its time is over or the request was stopped."""

Watch = Callable[[Planned, Progress | None, "Sequence[Attempt]"], None]
"""Told who is being asked, how far that is (None: just begun), and the trail so far."""


@dataclass(frozen=True)
class Job:
    """One request on its way. `until` is an instant of the loop's clock; the seed is drawn."""

    id: str
    request: Request
    seed: int
    visitor: Visitor
    environ: Mapping[str, str]
    until: float
    watch: Watch


class Router:
    def __init__(
        self, config: Config, providers: Callable[[str], Provider], ledger: Ledger, purse: Purse
    ) -> None:
        self._config = config
        self._provider = providers
        self._ledger = ledger
        self._purse = purse

    async def run(
        self, job: Job, plan: Sequence[Planned]
    ) -> tuple[Planned | None, Picture | None, list[Attempt]]:
        """Walk the plan. The offer and its picture, if one came, and every attempt in order."""
        trail: list[Attempt] = []
        for position, row in enumerate(plan):
            if said := row.said or self._left_out_now(job, row, trail):
                trail.append(skipped(row, said))
                continue
            picture, attempt = await self._ask(job, row, trail)
            trail.append(attempt)
            if picture:
                rest = [skipped(later, later.said) for later in plan[position + 1 :] if later.said]
                return row, picture, trail + rest
            if attempt.outcome == "refused" and self._config.on_refusal == "stop":
                break
        return None, None, trail

    def _left_out_now(self, job: Job, row: Planned, trail: Sequence[Attempt]) -> Said | None:
        """Why an offer that was ready is not asked after what happened on the way to it."""
        refused = any(attempt.outcome == "refused" for attempt in trail)
        unsure = any(attempt.billed == "maybe" for attempt in trail)
        if asyncio.get_running_loop().time() >= job.until:
            return Said("too_late")
        if unsure and (not row.costs_nothing or row.state == "last_resort"):
            return Said("may_be_billed")
        if refused and (not row.costs_nothing or row.state == "last_resort"):
            return Said("after_refusal")
        return None

    async def _ask(
        self, job: Job, row: Planned, trail: Sequence[Attempt]
    ) -> tuple[Picture | None, Attempt]:
        """One offer, asked within its time; what comes of it is in the ledger before we go on."""
        reservation: Reservation | None = None
        if row.paid_by == "budget":
            usd = row.reserve_usd or Decimal(0)
            reservation = await _in_thread(self._purse.reserve, job.visitor, usd)
            if not reservation:
                left = await _in_thread(self._purse.left_today, job.visitor)
                return None, skipped(row, Said("over_ceiling", usd=usd, left=left))
        number = await _in_thread(
            self._ledger.start_attempt,
            job.id, row.entry.name, row.model.id, row.account, row.paid_by,
        )  # fmt: skip
        job.watch(row, None, trail)
        started = asyncio.get_running_loop().time()
        picture, error, stopped = None, None, None
        try:
            picture = await self._generate(job, row, trail)
        except ProviderError as caught:
            error = caught
            if isinstance(caught, Defect):
                _log_fault(job, row)
        except asyncio.CancelledError as caught:
            error, stopped = row.entry.lost(row.model.id, str(Said("stopped"))), caught
        except Exception as caught:
            _log_fault(job, row)
            error = Defect(str(Said("defect", kind=type(caught).__name__)))
        attempt = _attempt(job, row, picture, error)
        attempt = replace(attempt, seconds=asyncio.get_running_loop().time() - started)
        settling = asyncio.ensure_future(self._settle(number, attempt, reservation))
        await asyncio.shield(settling)
        if stopped:
            raise stopped
        return picture, attempt

    async def _generate(self, job: Job, row: Planned, trail: Sequence[Attempt]) -> Picture:
        now = asyncio.get_running_loop().time()
        until = min(job.until, now + row.entry.timeout)
        wish = job.request
        request = PictureRequest(
            wish.prompt, wish.negative_prompt, wish.width, wish.height, job.seed,
            wish.steps, wish.guidance, row.model.id,
        )  # fmt: skip
        call = self._provider(row.entry.name).generate(
            request,
            key=key_of(row.entry, job.environ),
            deadline=until,
            report=lambda progress: job.watch(row, progress, trail),
        )
        asked = asyncio.ensure_future(call)
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
        try:
            await asyncio.wait({asked}, timeout=until - now)
        finally:
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked}, timeout=GRACE)
        if not asked.done() or asked.cancelled():
            said = Said("no_answer", seconds=f"{round(until - now, 2):g}")
            raise row.entry.lost(row.model.id, str(said))
        picture = asked.result()
        return replace(picture, notes=tuple(_keyless(job, row, note) for note in picture.notes))

    async def _settle(self, number: int, attempt: Attempt, reservation: Reservation | None) -> None:
        await _in_thread(self._ledger.settle_attempt, number, attempt)
        if reservation:
            await _in_thread(self._purse.settle, reservation, attempt.cost_usd)


def skipped(row: Planned, said: Said) -> Attempt:
    """An offer that was left out, with the reason."""
    return Attempt(row.entry.name, row.model.id, "skipped", str(said), said=said)


def _attempt(
    job: Job, row: Planned, picture: Picture | None, error: ProviderError | None
) -> Attempt:
    asked = Attempt(row.entry.name, row.model.id, "succeeded")
    if picture:
        billed = "no" if picture.cost_usd == 0 else "yes"
        return replace(asked, cost_usd=picture.cost_usd, billed=billed)
    error = error or Defect("no picture and no reason")
    unsure = error.outcome in ("outcome_unknown", "defect") and row.model.usd != 0
    return replace(
        asked, outcome=error.outcome, reason=_keyless(job, row, error.reason),
        retry_at=error.retry_at, billed="maybe" if unsure else "no",
        cost_usd=None if unsure else Decimal(0),
    )  # fmt: skip


def _keyless(job: Job, row: Planned, text: str) -> str:
    """A text from outside without the key that was sent there."""
    key = key_of(row.entry, job.environ)
    return text.replace(key, "•••") if key else text


def _log_fault(job: Job, row: Planned) -> None:
    """The running exception with its traceback, but for the key."""
    told = _keyless(job, row, traceback.format_exc())
    _log.error("%s let an exception through\n%s", row.entry.adapter, told)


async def _in_thread(call: Callable[..., Result], *arguments: Any) -> Result:
    """Run a blocking call beside the event loop."""
    return await asyncio.to_thread(call, *arguments)
