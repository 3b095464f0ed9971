"""Meters: how much of each budget and each allowance is spent or set aside, in each period.

What a call may take is set aside in one transaction with the row that says it began, and corrected
in one with what came of it: so whatever runs at once, and wherever it breaks off, it adds up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import Connection, bindparam, select, update

from studio.database import insert_or_nothing
from studio.receipt import Attempt
from studio.tables import meters


@dataclass(frozen=True)
class Hold:
    """`amount` to be set aside of the meter of `scope` in `period`, which `ceiling` bounds.

    `in_usd` tells money, which a call may cost more or less of than was thought, from units, of
    which it takes all or nothing.
    """

    scope: str
    period: str
    amount: Decimal
    ceiling: Decimal
    in_usd: bool


def take(connection: Connection, holds: Iterable[Hold]) -> Hold | None:
    """Set them all aside. The first that would pass its ceiling, if one does: then the caller must
    roll back, for those before it are taken.
    """
    for hold in holds:
        start = {"scope": hold.scope, "period": hold.period, "amount": Decimal(0)}
        connection.execute(insert_or_nothing(connection, meters), start)
        taken = connection.execute(
            _ADD.where(meters.c.amount <= hold.ceiling - hold.amount),
            {"its": hold.scope, "when": hold.period, "more": hold.amount},
        )
        if not taken.rowcount:
            return hold
    return None


def correct(
    connection: Connection, holds: Iterable[Hold], attempt: Attempt, before: Attempt | None = None
) -> None:
    """Give back what was not spent. Of an outcome that nobody knows everything stays set aside.

    `before` is what was known until now: where that was an outcome, its correction is undone.
    """
    for hold in holds:
        counted = _spent(hold, before) if before else hold.amount
        more = _spent(hold, attempt) - counted
        if more:
            connection.execute(_ADD, {"its": hold.scope, "when": hold.period, "more": more})


_ADD = (
    update(meters)
    .where(meters.c.scope == bindparam("its"), meters.c.period == bindparam("when"))
    .values(amount=meters.c.amount + bindparam("more", type_=meters.c.amount.type))
)


def _spent(hold: Hold, attempt: Attempt) -> Decimal:
    if hold.in_usd and attempt.cost_usd is not None:
        return attempt.cost_usd
    # A picture that costs no money is one of an allowance all the same.
    kept = attempt.outcome in ("succeeded", "outcome_unknown") or attempt.billed != "no"
    return hold.amount if kept else Decimal(0)


def amount(connection: Connection, scope: str, period: str) -> Decimal:
    """What the meter shows."""
    query = select(meters.c.amount).where(meters.c.scope == scope, meters.c.period == period)
    return connection.execute(query).scalar() or Decimal(0)


def as_text(holds: Iterable[Hold]) -> str:
    return json.dumps([asdict(hold) for hold in holds], default=str)


def from_text(text: str) -> list[Hold]:
    return [
        Hold(**{**raw, "amount": Decimal(raw["amount"]), "ceiling": Decimal(raw["ceiling"])})
        for raw in json.loads(text)
    ]
