"""An offer, an entry with one model, as it stands at a moment; and that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from providers.base import Entry, Model
from studio.allowance import NO_ALLOWANCE, Allowance
from studio.meters import Hold
from studio.rests import Rest
from studio.words import Said


@dataclass(frozen=True)
class Planned:
    """One offer, an entry with one model, and its place in the plan of this moment.

    `place` counts from 1 and is None for an offer that is left out; then `said` is the reason.
    `state` is ready, last_resort, no_key, no_address, not_installed, private, other_model, resting,
    tried, not_set_up, spent or over_budget. `paid_by` is free, allowance or budget; `holds` is what
    must be set aside for a call. `rest` is one that is over, or (then the state is tried) that is
    to be ended early because nobody else is there: one of us asks for all.
    """

    entry: Entry
    model: Model
    state: str
    paid_by: str
    account: str
    said: Said | None = None
    place: int | None = None
    allowance: Allowance = NO_ALLOWANCE
    sample: bool = False
    stoppable: bool = True
    holds: tuple[Hold, ...] = ()
    rest: Rest | None = None

    @property
    def costs_nothing(self) -> bool:
        return self.paid_by != "budget"

    @property
    def reserve_usd(self) -> Decimal | None:
        """What must be set aside for one picture: its price, else the entry's ceiling."""
        return self.entry.ceiling_usd if self.model.usd is None else self.model.usd

    def without(self, refused: Hold, left: Decimal) -> Said:
        """Why it is left out when somebody else was quicker and this hold was not to be had."""
        if self.paid_by != "budget":
            return Said("spent", until=until_of(self.allowance.resets_at))
        return Said("over_ceiling", usd=refused.amount, left=max(Decimal(0), left))


@dataclass(frozen=True)
class Moment:
    """What the plan is computed from, besides the config: all that changes.

    `rest` is told an entry's name, a model and an account; a sentence is a rest without an end.
    """

    now: datetime
    environ: Mapping[str, str]
    budget_left: Decimal
    budget_holds: Callable[[Decimal], Sequence[Hold]]
    allowance: Callable[[Entry, Model, str], Allowance]
    rest: Callable[[str, str, str], Rest | Said | None]


def until_of(resets_at: datetime | None) -> str:
    return f"{resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else "further notice"
