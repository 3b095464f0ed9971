"""Rests: who is left alone for a while after a failure, and when one of us may try again.

A host where nobody answers rests at once, for half a minute and then twice as long each time, to a
cap. What a service says of its own limits is taken at its word. Other failures rest an offer only
when they are many. A rest that is over is ended by one of us alone, who tries it for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, case, delete, func, or_, select, update

from studio.database import insert_or_replace
from studio.periods import period_of
from studio.receipt import Attempt
from studio.tables import attempts, rests
from studio.words import Said

if TYPE_CHECKING:
    from studio.offer import Planned

FIRST, CAP = timedelta(seconds=30), timedelta(minutes=15)
DAY = timedelta(days=1)
RECENT, FEW = timedelta(minutes=1), 5
"""Other failures are many when they are more than half of at least `FEW` calls in that time."""

TRIAL = timedelta(seconds=30)
"""For how long one of us tries for all; after that another may."""

TRIED = "tried"
"""The outcome that a rest has meanwhile."""

_FAILURES = ("unavailable", "outcome_unknown", "defect")


@dataclass(frozen=True)
class Rest:
    """Nobody is asked before `until`. `model` is empty where it holds for all of the account's."""

    provider: str
    model: str
    account: str
    until: datetime
    outcome: str
    streak: int = 1


Rests = dict[tuple[str, str, str], Rest]
"""By provider, model and account."""


def all_rests(connection: Connection) -> Rests:
    found = [Rest(*row) for row in connection.execute(select(rests))]
    return {(rest.provider, rest.model, rest.account): rest for rest in found}


def rest_of(known: Rests, provider: str, model: str, account: str) -> Rest | None:
    """The rest that holds longest for this offer."""
    both = (known.get((provider, name, account)) for name in ("", model))
    return max(filter(None, both), key=lambda rest: rest.until, default=None)


def said_of(until: datetime, now: datetime) -> Said:
    """The day is said where it is another one."""
    day = "" if until.date() == now.date() else f"{until:%Y-%m-%d} "
    return Said("resting", at=until, until=f"{day}{until:%H:%M:%S} UTC")


def not_ours_before(connection: Connection, rest: Rest, now: datetime) -> datetime | None:
    """None where it is ours to end this rest: of several that ask at once, one may. Else the
    instant until which it goes on, or another one tries.
    """
    won = connection.execute(
        update(rests)
        .where(_is(rest), rests.c.until == rest.until)
        .values(until=now + TRIAL, outcome=TRIED)
    )
    if won.rowcount:
        return None
    # Where it is gone altogether, somebody was quicker and had an answer.
    return connection.execute(select(rests.c.until).where(_is(rest))).scalar()


def after(connection: Connection, row: Planned, attempt: Attempt, now: datetime) -> None:
    """Write what follows from a settled attempt. Any answer but a failure ends a rest."""
    if attempt.fault == "ours" or attempt.outcome == "not_configured":
        return  # the vendor did nothing; or it rests until another start or key, says the router
    mine = and_(
        rests.c.provider == row.entry.name,
        rests.c.model.in_(("", attempt.model)),
        rests.c.account == row.account,
    )
    found = connection.execute(select(rests).where(mine))
    known = {one.model: Rest(*one) for one in found}
    # Only a probe doubles: of many that were under way at once, each finds the same dead host.
    streak = max((rest.streak for rest in known.values()), default=1)
    new = _next(connection, row, attempt, now, row.rest.streak + 1 if row.rest else streak)
    if row.rest or not (new or attempt.outcome in _FAILURES):
        connection.execute(delete(rests).where(mine))
    elif new and new.model in known and known[new.model].until > new.until:
        return  # what is known since this one began goes on for longer
    if new:
        connection.execute(insert_or_replace(connection, rests), vars(new))


def _next(
    connection: Connection, row: Planned, attempt: Attempt, now: datetime, streak: int
) -> Rest | None:
    entry, account = row.entry, row.account

    def rest(until: datetime, model: str = "") -> Rest:
        return Rest(entry.name, model, account, until, attempt.outcome, streak)

    later = now + min(CAP, FIRST * 2 ** min(streak - 1, 10))
    if attempt.fault == "unreachable":
        return rest(later)
    if attempt.outcome == "rate_limited":
        return rest(attempt.retry_at or later)
    if attempt.outcome == "quota_exhausted":
        window = period_of(entry.free.per, now)[1] if entry.free else None
        return rest(attempt.retry_at or window or now + DAY)
    if attempt.fault == "gone":
        return rest(now + DAY, attempt.model)
    if attempt.outcome in _FAILURES:
        calls, failed = _recent(connection, entry.name, attempt.model, account, now)
        if row.rest or (calls >= FEW and 2 * failed > calls):
            return rest(later, attempt.model)
    return None


def _recent(
    connection: Connection, provider: str, model: str, account: str, now: datetime
) -> tuple[int, int]:
    """Calls of an offer that began within the last minute, and those of them that failed, but for
    those that failed because of us.
    """
    failed = attempts.c.outcome.in_(_FAILURES)
    query = select(func.count(), func.sum(case((failed, 1), else_=0))).where(
        attempts.c.provider == provider,
        attempts.c.account == account,
        attempts.c.started_at > now - RECENT,
        attempts.c.model == model,
        attempts.c.fault != "ours",
        or_(failed, attempts.c.outcome == "succeeded"),
    )
    calls, failures = connection.execute(query).one()
    return calls, failures or 0


def _is(rest: Rest) -> Any:
    return and_(
        rests.c.provider == rest.provider,
        rests.c.model == rest.model,
        rests.c.account == rest.account,
    )
