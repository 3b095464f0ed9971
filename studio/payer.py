"""Who pays for one picture of an offer, what must be set aside for it, and why nobody can."""

from __future__ import annotations

from decimal import Decimal

from providers.base import Free, Model
from studio.allowance import Allowance
from studio.config import Config
from studio.meters import Hold
from studio.offer import Moment, Planned, until_of
from studio.words import Said


def why_nobody(
    config: Config, moment: Moment, row: Planned, pictures: int
) -> tuple[str, Said] | None:
    """Why nobody can pay for it: the state, and the reason."""
    free, allowance = row.entry.free, row.allowance
    is_spent = allowance.left is not None and not allowance.is_enough
    if is_spent and free and (row.paid_by == "free" or free.when_spent == "stops"):
        return "spent", Said("spent", until=until_of(allowance.resets_at))
    if row.paid_by != "budget":
        return None
    reason = _over_budget(config, moment, row, pictures)
    return ("over_budget", reason) if reason else None


def holds_of(moment: Moment, row: Planned) -> tuple[Hold, ...]:
    if row.costs_nothing:
        return (row.allowance.hold,) if row.allowance.hold else ()
    return tuple(moment.budget_holds(row.reserve_usd or Decimal(0)))


def paid_by_of(free: Free | None, model: Model, allowance: Allowance) -> str:
    """Who pays for one picture. A service that stops when its allowance is spent cannot bill, so
    it may be asked also where only the service can count what is left.
    """
    if model.usd == 0:
        return "free"
    if free is None:
        return "budget"
    unknown = allowance.left is None and free.when_spent == "stops"
    return "allowance" if unknown or allowance.is_enough else "budget"


def _over_budget(config: Config, moment: Moment, row: Planned, pictures: int) -> Said | None:
    usd, ceiling = row.reserve_usd, config.budget.usd_per_image
    if usd is None:
        return Said("unknown_price")
    if config.budget.usd_per_day == 0:
        return Said("over_budget", usd=usd)
    if usd > ceiling:
        return Said("over_image", usd=usd, ceiling=ceiling)
    if usd * pictures > moment.budget_left or moment.budget_left <= 0:
        return Said("over_ceiling", usd=usd * pictures, left=moment.budget_left)
    return None
