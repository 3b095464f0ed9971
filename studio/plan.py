"""The plan: who would be asked, in which order, at what price, and why not. Data, not action."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec

from providers.base import Entry, Free, Model
from studio.allowance import NO_ALLOWANCE, Allowance
from studio.config import Config
from studio.keys import account_of, key_of
from studio.loader import traits_of
from studio.meters import Hold
from studio.request import Request
from studio.rests import TRIED, Rest, said_of
from studio.words import Said

_TRUSTED = {
    "anyone": ("company", "volunteers", "nowhere", "unknown"),
    "companies": ("company", "nowhere"),
    "local": ("nowhere",),
}


@dataclass(frozen=True)
class Planned:
    """One offer, an entry with one model, and its place in the plan of this moment.

    `place` counts from 1 and is None for an offer that is left out; then `said` is the reason.
    `state` is ready, last_resort, no_key, no_address, not_installed, private, other_model, resting,
    not_set_up, spent or over_budget. `paid_by` is free, allowance or budget; `holds` is what must
    be set aside for a call. `rest` is one that is over, or is to be ended early: one of us tries.
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
            return Said("spent", until=_until(self.allowance.resets_at))
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


def make_plan(
    config: Config, moment: Moment, request: Request | None = None, pictures: int = 1
) -> list[Planned]:
    """The offers for `request` (None: for anything) in the order in which they would be asked.

    Whoever costs money must be able to make all of the `pictures` within the budget.
    """
    offers = _offers(config, request)
    planned = [_judge(config, moment, request, entry, model, pictures) for entry, model in offers]
    planned = _with_a_try(planned)
    if config.free_first:
        planned.sort(key=lambda row: not row.costs_nothing)
    last = config.last_resort
    listed = any(entry.name == last for entry, _ in offers)
    for_any = request is None or (request.provider == "auto" and not request.model)
    if last and for_any and not listed:
        entry = config.providers[last]
        judged = _judge(config, moment, request, entry, entry.models[0], pictures)
        if judged.state == "ready":
            judged = replace(judged, state="last_resort")
        planned.append(judged)
    places = iter(range(1, len(planned) + 1))
    return [row if row.said else replace(row, place=next(places)) for row in planned]


def _offers(config: Config, request: Request | None) -> list[tuple[Entry, Model]]:
    """The offers that are meant: of a named entry, else what Auto may ask."""
    if request and request.provider != "auto":
        names: tuple[str, ...] = (request.provider,)
    else:
        names = config.order
    offers = []
    for name in names:
        head, _, tail = name.partition("/")
        entry, wanted = config.providers[head], (request and request.model) or tail
        models = [m for m in entry.models if m.id == wanted] if wanted else list(entry.models[:1])
        offers += [(entry, model) for model in models or entry.models[:1] or [_OWN]]
    return list({(entry.name, model.id): (entry, model) for entry, model in offers}.values())


_OWN = Model("default")
"""Stands for the provider's own model where an entry names none."""


def _with_a_try(planned: list[Planned]) -> list[Planned]:
    """If all rest that could be asked, the one whose rest is over first is tried all the same, but
    for one that somebody tries at this moment; a sample only where there is nothing else.
    """
    resting = [
        (row.sample, row.rest.until, n)
        for n, row in enumerate(planned)
        if row.said and row.rest and row.rest.outcome != TRIED
    ]
    if resting and not any(row.state == "ready" and not row.sample for row in planned):
        first = min(resting)[2]
        planned[first] = replace(planned[first], state="ready", said=None)
    return planned


def _judge(
    config: Config,
    moment: Moment,
    request: Request | None,
    entry: Entry,
    model: Model,
    pictures: int,
) -> Planned:
    key = key_of(entry, moment.environ)
    account = account_of(key)
    traits = traits_of(entry.adapter)
    allowance = moment.allowance(entry, model, account)
    paid_by = _paid_by(entry.free, model, allowance)
    row = Planned(
        entry, model, "ready", paid_by, account, allowance=allowance, sample=traits.sample,
        stoppable=traits.stoppable, holds=_holds(moment, entry, model, paid_by, allowance),
    )  # fmt: skip
    said = _cannot(config, moment, row, request, key) or _spent(config, moment, row, pictures)
    if said:
        return replace(row, state=said[0], said=said[1])
    rest = moment.rest(entry.name, model.id, account)
    if isinstance(rest, Said):
        return replace(row, state="not_set_up", said=rest)
    if rest and rest.until > moment.now:
        return replace(row, state="resting", said=said_of(rest.until), rest=rest)
    return replace(row, rest=rest)


def _cannot(
    config: Config, moment: Moment, row: Planned, request: Request | None, key: str | None
) -> tuple[str, Said] | None:
    """Why the offer cannot be asked whoever pays: the state, and the reason."""
    entry, traits = row.entry, traits_of(row.entry.adapter)
    reads = entry.sends_prompt_to
    if (reads.who if reads else "unknown") not in _TRUSTED[config.privacy]:
        where = (reads.where or reads.who) if reads else "an unknown place"
        return "private", Said("private", where=where, privacy=config.privacy)
    if traits.needs_address and not entry.base_url:
        variable = entry.base_url_env or f"base_url of {entry.name}"
        return "no_address", Said("no_address", variable=variable)
    if not all(map(find_spec, traits.needs_packages)):
        command = "pip install -r requirements-gpu.txt"
        return "not_installed", Said("not_installed", command=command)
    if traits.needs_key and entry.key_env and not key:
        return "no_key", Said("no_key", variable=entry.key_env)
    if request and request.model and request.model != row.model.id:
        return "other_model", Said("other_model", model=request.model)
    return None


def _spent(config: Config, moment: Moment, row: Planned, pictures: int) -> tuple[str, Said] | None:
    """Why nobody can pay for it: the state, and the reason."""
    free, allowance = row.entry.free, row.allowance
    is_spent = allowance.left is not None and not allowance.is_enough
    if is_spent and free and (row.paid_by == "free" or free.when_spent == "stops"):
        return "spent", Said("spent", until=_until(allowance.resets_at))
    if row.paid_by != "budget":
        return None
    reason = _over_budget(config, moment, row, pictures)
    return ("over_budget", reason) if reason else None


def _holds(
    moment: Moment, entry: Entry, model: Model, paid_by: str, allowance: Allowance
) -> tuple[Hold, ...]:
    if paid_by != "budget":
        return (allowance.hold,) if allowance.hold else ()
    usd = entry.ceiling_usd if model.usd is None else model.usd
    return tuple(moment.budget_holds(usd or Decimal(0)))


def _paid_by(free: Free | None, model: Model, allowance: Allowance) -> str:
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


def _until(resets_at: datetime | None) -> str:
    return f"{resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else "further notice"
