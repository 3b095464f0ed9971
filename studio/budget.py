"""The money that may be spent today: reserved before a paid call, settled after it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from studio.config import Budget
from studio.ledger import Clock
from studio.tables import spending
from studio.visitor import Visitor

_EVERYBODY = "everybody"


@dataclass(frozen=True)
class Reservation:
    """Money set aside in each of `scopes`, on `day`."""

    scopes: tuple[str, ...]
    day: str
    usd: Decimal


class Purse:
    """Keeps all spending within the budget, whatever runs at the same time. Blocking."""

    def __init__(self, engine: Engine, budget: Budget, clock: Clock) -> None:
        self._engine = engine
        self._budget = budget
        self._clock = clock

    def left_today(self, visitor: Visitor) -> Decimal:
        """What this visitor may still spend today, in dollars."""
        spent = dict.fromkeys(self._ceilings(visitor), Decimal(0))
        query = select(spending.c.scope, spending.c.usd).where(
            spending.c.day == self._today(), spending.c.scope.in_(list(spent))
        )
        with self._engine.connect() as connection:
            spent |= {row.scope: row.usd for row in connection.execute(query)}
        ceilings = self._ceilings(visitor).items()
        return max(Decimal(0), min(ceiling - spent[scope] for scope, ceiling in ceilings))

    def reserve(self, visitor: Visitor, usd: Decimal) -> Reservation | None:
        """Set `usd` aside, in one transaction; None where it would pass a ceiling."""
        day, ceilings = self._today(), self._ceilings(visitor)
        for scope in ceilings:
            self._open(scope, day)
        with self._engine.begin() as connection:
            for scope, ceiling in ceilings.items():
                taken = connection.execute(
                    update(spending)
                    .where(spending.c.scope == scope, spending.c.day == day,
                           spending.c.usd <= ceiling - usd)
                    .values(usd=spending.c.usd + usd)
                )  # fmt: skip
                if not taken.rowcount:
                    connection.rollback()
                    return None
        return Reservation(tuple(ceilings), day, usd)

    def settle(self, reservation: Reservation, usd: Decimal | None) -> None:
        """Give back what was not spent. None means unknown: all of it stays set aside."""
        if usd is None or usd == reservation.usd:
            return
        with self._engine.begin() as connection:
            connection.execute(
                update(spending)
                .where(spending.c.scope.in_(reservation.scopes), spending.c.day == reservation.day)
                .values(usd=spending.c.usd + (usd - reservation.usd))
            )

    def _ceilings(self, visitor: Visitor) -> dict[str, Decimal]:
        ceilings = {_EVERYBODY: self._budget.usd_per_day}
        if not visitor.owner:
            ceilings[f"visitor {visitor.id}"] = self._budget.usd_per_visitor_day
        return ceilings

    def _open(self, scope: str, day: str) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(spending).values(scope=scope, day=day, usd=Decimal(0)))
        except IntegrityError:
            pass  # another call of today has opened it

    def _today(self) -> str:
        return self._clock().date().isoformat()
