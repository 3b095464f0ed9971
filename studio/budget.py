"""The money that may be spent today: by everybody, and by one visitor."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from studio import meters
from studio.config import Budget
from studio.meters import Hold
from studio.visitor import Visitor


def budget_holds(budget: Budget, visitor: Visitor, usd: Decimal, now: datetime) -> list[Hold]:
    """What must be set aside before a call that costs `usd` is made for this visitor."""
    ceilings = {"everybody": budget.usd_per_day}
    if not visitor.owner:
        ceilings[f"visitor {visitor.id}"] = budget.usd_per_visitor_day
    day = now.date().isoformat()
    return [Hold(scope, day, usd, ceiling, True) for scope, ceiling in ceilings.items()]


def left_today(connection: Connection, budget: Budget, visitor: Visitor, now: datetime) -> Decimal:
    """What this visitor may still spend today, in dollars."""
    holds = budget_holds(budget, visitor, Decimal(0), now)
    spent = [(hold, meters.amount(connection, hold.scope, hold.period)) for hold in holds]
    return max(Decimal(0), min(hold.ceiling - amount for hold, amount in spent))
