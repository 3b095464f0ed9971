"""The plan: who would be asked, in which order, at what price, and why not. Data, not action."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from providers.base import Entry, Model
from studio.config import Config
from studio.keys import account_of, key_of
from studio.loader import traits_of
from studio.offer import Moment, Planned
from studio.payer import holds_of, paid_by_of, why_nobody
from studio.request import Request
from studio.rests import TRIED, said_of
from studio.words import Said

_TRUSTED = {
    "anyone": ("company", "volunteers", "nowhere", "unknown"),
    "companies": ("company", "nowhere"),
    "local": ("nowhere",),
}


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
        planned[first] = replace(planned[first], state="tried", said=None)
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
    row = Planned(
        entry, model, "ready", paid_by_of(entry.free, model, allowance), account,
        allowance=allowance, sample=traits.sample, stoppable=traits.stoppable,
    )  # fmt: skip
    row = replace(row, holds=holds_of(moment, row))
    said = _cannot(config, row, request, key) or why_nobody(config, moment, row, pictures)
    if said:
        return replace(row, state=said[0], said=said[1])
    rest = moment.rest(entry.name, model.id, account)
    if isinstance(rest, Said):
        return replace(row, state="not_set_up", said=rest)
    if rest and rest.until > moment.now:
        return replace(row, state="resting", said=said_of(rest.until, moment.now), rest=rest)
    return replace(row, rest=rest)


def _cannot(
    config: Config, row: Planned, request: Request | None, key: str | None
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
        return "not_installed", Said("not_installed", command=traits.install)
    if traits.needs_key and entry.key_env and not key:
        return "no_key", Said("no_key", variable=entry.key_env)
    if request and request.model and request.model != row.model.id:
        return "other_model", Said("other_model", model=request.model)
    return None
