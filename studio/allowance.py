"""Free allowances: what an account has left of one, by our own count or by the service's word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from providers.base import Entry, Free, Model
from studio import meters
from studio.meters import Hold
from studio.periods import period_of
from studio.tables import attempts, quotas


@dataclass(frozen=True)
class Allowance:
    """`left` is in the unit of the entry's `free`; None is unknown, or there is no allowance.

    `hold` is what one picture takes, where that can be counted; `as_of` is when the service said
    what is left, or None where that is our own count.
    """

    left: Decimal | None = None
    resets_at: datetime | None = None
    hold: Hold | None = None
    as_of: datetime | None = None

    @property
    def is_enough(self) -> bool:
        need = self.hold.amount if self.hold else Decimal(0)
        return self.left is not None and self.left > 0 and self.left >= need


NO_ALLOWANCE = Allowance()


def allowance_of(
    connection: Connection, entry: Entry, model: Model, account: str, now: datetime
) -> Allowance:
    """What the account has left for `model`. The service's own figure of this period wins, less
    what our meter has counted since.
    """
    free = entry.free
    if free is None or (free.unit == "usd" and model.usd == 0):  # takes nothing of credit
        return NO_ALLOWANCE
    since, resets_at = period_of(free.per, now)
    meter = meter_of(entry, free, account, now)
    metered = meters.amount(connection, meter.scope, meter.period)
    each = _each(entry, free, model)
    said = _said(connection, pool_of(entry), account, free.unit, since, now)
    if said:
        left = max(Decimal(0), said.left - max(Decimal(0), metered - said.metered))
        resets_at = said.resets_at or resets_at
    elif each is None:
        return Allowance(None, resets_at)
    else:
        left = max(Decimal(0), free.amount - metered)
    ceiling = metered + left
    hold = None if each is None else replace(meter, amount=each, ceiling=ceiling)
    return Allowance(left, resets_at, hold, said.as_of if said else None)


def meter_of(entry: Entry, free: Free, account: str, now: datetime) -> Hold:
    """The meter of an allowance in its running period, with nothing to be set aside."""
    period = period_of(free.per, now)[0].isoformat()[:16]
    scope = f"allowance {pool_of(entry)} {account}"
    return Hold(scope, period, Decimal(0), Decimal(0), free.unit == "usd")


def pool_of(entry: Entry) -> str:
    """Whoever names the same has one allowance together, and one figure of the service."""
    return (entry.free and entry.free.pool) or entry.name


def settled(connection: Connection, meter: Hold) -> Decimal:
    """What the meter shows without what is set aside for calls under way: whether a service has
    counted those already, nobody knows, so they count as not yet.
    """
    place = meter.scope, meter.period
    shown = meters.amount(connection, *place)  # before, so that what begins meanwhile is no gain
    under_way = select(attempts.c.holds).where(attempts.c.outcome == "started")
    held = [hold for text in connection.scalars(under_way) for hold in meters.from_text(text)]
    mine = (hold.amount for hold in held if (hold.scope, hold.period) == place)
    return shown - sum(mine, Decimal(0))


def _each(entry: Entry, free: Free, model: Model) -> Decimal | None:
    """What a picture takes. One whose price nobody knows counts as the dearest that is known."""
    if free.unit == "images":
        return Decimal(1)
    if free.unit == "usd":
        prices = [entry.ceiling_usd, *(known.usd for known in entry.models)]
        dearest = max(price or Decimal(0) for price in prices)
        return dearest if model.usd is None else model.usd
    return free.each


def _said(
    connection: Connection, pool: str, account: str, unit: str, since: datetime, now: datetime
) -> Any:
    """The service's own figure, if it is in our unit, of this period, and not reset since."""
    query = select(quotas).where(
        quotas.c.provider == pool, quotas.c.account == account, quotas.c.unit == unit,
        quotas.c.as_of >= since,
    )  # fmt: skip
    found = connection.execute(query).one_or_none()
    over = found is not None and found.resets_at is not None and found.resets_at <= now
    return None if over else found
