"""The plan: who would be asked, in which order, at what price, and why not. Data, not action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec

from providers.base import Entry, Free, Model
from studio.config import Config
from studio.keys import account_of, key_of
from studio.ledger import Usage
from studio.loader import traits_of
from studio.periods import period_of
from studio.request import Request
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
    `state` is ready, last_resort, no_key, no_address, not_installed, private, other_model, spent or
    over_budget. `paid_by` is free, allowance or budget. `left` is in the unit of the allowance.
    """

    entry: Entry
    model: Model
    state: str
    paid_by: str
    account: str
    said: Said | None = None
    place: int | None = None
    left: Decimal | None = None
    resets_at: datetime | None = None
    sample: bool = False

    @property
    def costs_nothing(self) -> bool:
        return self.paid_by != "budget"

    @property
    def reserve_usd(self) -> Decimal | None:
        """What must be set aside for one picture: its price, else the entry's ceiling."""
        return self.entry.ceiling_usd if self.model.usd is None else self.model.usd


@dataclass(frozen=True)
class Moment:
    """What the plan is computed from, besides the config: all that changes."""

    now: datetime
    environ: Mapping[str, str]
    budget_left: Decimal
    used: Callable[[str, str, datetime], Usage]


def make_plan(config: Config, moment: Moment, request: Request | None = None) -> list[Planned]:
    """The offers for `request` (None: for anything) in the order in which they would be asked."""
    offers = _offers(config, request)
    planned = [_judge(config, moment, request, entry, model) for entry, model in offers]
    if config.free_first:
        planned.sort(key=lambda row: not row.costs_nothing)
    last = config.last_resort
    listed = any(entry.name == last for entry, _ in offers)
    for_any = request is None or (request.provider == "auto" and not request.model)
    if last and for_any and not listed:
        entry = config.providers[last]
        judged = _judge(config, moment, request, entry, entry.models[0])
        if judged.state == "ready":
            judged = _but(judged, state="last_resort")
        planned.append(judged)
    places = iter(range(1, len(planned) + 1))
    return [row if row.said else _but(row, place=next(places)) for row in planned]


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


def _judge(
    config: Config, moment: Moment, request: Request | None, entry: Entry, model: Model
) -> Planned:
    key = key_of(entry, moment.environ)
    account = account_of(key)
    traits = traits_of(entry.adapter)
    left, resets_at = _allowance(entry, moment, account)
    row = Planned(
        entry, model, "ready", _paid_by(entry.free, model, left), account,
        left=left, resets_at=resets_at, sample=traits.sample,
    )  # fmt: skip
    reads = entry.sends_prompt_to
    if (reads.who if reads else "unknown") not in _TRUSTED[config.privacy]:
        where = (reads.where or reads.who) if reads else "an unknown place"
        return _but(row, "private", Said("private", where=where, privacy=config.privacy))
    if traits.needs_address and not entry.base_url:
        variable = entry.base_url_env or f"base_url of {entry.name}"
        return _but(row, "no_address", Said("no_address", variable=variable))
    if not all(map(find_spec, traits.needs_packages)):
        command = "pip install -r requirements-gpu.txt"
        return _but(row, "not_installed", Said("not_installed", command=command))
    if traits.needs_key and entry.key_env and not key:
        return _but(row, "no_key", Said("no_key", variable=entry.key_env))
    if request and request.model and request.model != model.id:
        return _but(row, "other_model", Said("other_model", model=request.model))
    if row.paid_by != "budget":
        return row
    if left is not None and entry.free and entry.free.when_spent == "stops":
        return _but(row, "spent", Said("spent", until=_until(resets_at)))
    reason = _over_budget(config, moment, row)
    return _but(row, "over_budget", reason) if reason else row


def _paid_by(free: Free | None, model: Model, left: Decimal | None) -> str:
    """Who pays for one picture. A service that stops when its allowance is spent cannot bill, so
    it may be asked also where only the service can count what is left.
    """
    if model.usd == 0:
        return "free"
    if free is None:
        return "budget"
    price = (model.usd or Decimal(0)) if free.unit == "usd" else Decimal(1)
    enough = left is not None and left > 0 and left >= price
    return "allowance" if enough or (left is None and free.when_spent == "stops") else "budget"


def _allowance(
    entry: Entry, moment: Moment, account: str
) -> tuple[Decimal | None, datetime | None]:
    """What is left by our count (None: not ours to count, or endless), and when it comes back.

    A picture whose cost nobody knows counts as one of the entry's dearest model.
    """
    free = entry.free
    if free is None:
        return None, None
    since, resets_at = period_of(free.per, moment.now)
    if free.unit not in ("images", "usd"):
        return None, resets_at
    used = moment.used(entry.name, account, since)
    dearest = max((model.usd or Decimal(0) for model in entry.models), default=Decimal(0))
    usd = used.usd + used.unknown * dearest
    taken = usd if free.unit == "usd" else Decimal(used.images)
    return max(Decimal(0), free.amount - taken), resets_at


def _over_budget(config: Config, moment: Moment, row: Planned) -> Said | None:
    usd, ceiling = row.reserve_usd, config.budget.usd_per_image
    if usd is None:
        return Said("unknown_price")
    if config.budget.usd_per_day == 0:
        return Said("over_budget", usd=usd)
    if usd > ceiling:
        return Said("over_image", usd=usd, ceiling=ceiling)
    if usd > moment.budget_left or moment.budget_left <= 0:
        return Said("over_ceiling", usd=usd, left=moment.budget_left)
    return None


def _until(resets_at: datetime | None) -> str:
    return f"{resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else "further notice"


def _but(
    row: Planned, state: str | None = None, said: Said | None = None, place: int | None = None
) -> Planned:
    changes = {**vars(row), "state": state or row.state, "said": said, "place": place}
    return Planned(**changes)
