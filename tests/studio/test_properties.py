"""Whatever the providers do and whatever is configured: these hold of every request.

Examples are drawn anew in each version of Hypothesis only, so that the same code has the same
result.
"""

from __future__ import annotations

import asyncio
import contextvars
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base import (
    Defect,
    Entry,
    Free,
    Gone,
    Model,
    NotConfigured,
    OutcomeUnknown,
    Picture,
    Provider,
    QuotaExhausted,
    RateLimited,
    Refused,
    SendsPromptTo,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)
from studio.config import Budget, Config
from studio.periods import period_of
from studio.receipt import NobodyCould
from studio.studio import Made, Studio
from tests.studio import fakes
from tests.studio.conftest import GUEST, OWNER
from tests.studio.fakes import NOON, Clock, Scripted, hang, painted

OFTEN = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
TIMEOUT = 0.03
"""Seconds after which an entry that hangs is given up."""

_request: contextvars.ContextVar[asyncio.Task[Any]] = contextvars.ContextVar("request")


@dataclass(frozen=True)
class Fate:
    """What one call comes to: a `kind`, when it may be asked again (seconds from NOON), or what the
    picture costs, in parts of its price (None: unknown).
    """

    kind: str
    at: int | None = None
    cost: str | None = "1"
    again: bool = False


@dataclass(frozen=True)
class Offer:
    usd: str | None
    ceiling: str | None
    free: Free | None
    who: Any
    has_key: bool
    fates: tuple[Fate, ...]


@dataclass(frozen=True)
class Step:
    """The clock goes on by so many seconds, and then so many requests come at once."""

    seconds: int
    guest: bool
    at_once: int


@dataclass(frozen=True)
class Case:
    offers: tuple[Offer, ...]
    last: Offer | None
    steps: tuple[Step, ...]
    budget: Budget
    free_first: bool
    on_refusal: Any
    privacy: Any


@dataclass
class Told:
    """What a request came to."""

    id: str
    picture: bool
    trail: list[dict[str, Any]] | None
    step: Step


KINDS = (
    "picture", "picture", "picture", "unavailable", "unreachable", "gone", "spoilt", "rate_limited",
    "quota_exhausted", "not_configured", "unsupported", "refused", "outcome_unknown", "defect", "bug",
    "hang", "hang up", "stop",
)  # fmt: skip
_usd = st.sampled_from(["0.01", "0", "0.02", "0.05", None, "0"])
_fates = st.builds(
    Fate,
    st.sampled_from(KINDS),
    st.sampled_from([None, None, -5, 20, 90, 4000, 90_000]),
    st.sampled_from(["1", "1", "0.5", "0", None]),
    st.booleans(),
)
_frees = st.one_of(
    st.none(),
    st.builds(
        lambda amount, per, ends: Free(Decimal(amount), "images", per, ends),
        st.integers(0, 3),
        st.sampled_from(["minute", "day", "month", "once"]),
        st.sampled_from(["stops", "bills", "unknown"]),
    ),
    st.builds(
        lambda amount, ends: Free(Decimal(amount), "usd", "day", ends),
        st.sampled_from(["0", "0.03", "0.1"]),
        st.sampled_from(["stops", "bills"]),
    ),
)
_offers = st.builds(
    Offer,
    _usd,
    st.sampled_from(["0.02", "0.05", None]),
    _frees,
    st.sampled_from(["company", "company", "company", "volunteers", "nowhere"]),
    st.sampled_from([True, True, True, True, False]),
    st.lists(_fates, min_size=1, max_size=4).map(tuple),
)
_samples = st.builds(
    Offer, st.just("0"), st.none(), st.none(), st.just("nowhere"), st.just(True),
    st.lists(_fates, min_size=1, max_size=2).map(tuple),
)  # fmt: skip
_budgets = st.builds(
    lambda image, day, visitor: Budget(Decimal(image), Decimal(day), Decimal(visitor)),
    st.sampled_from(["0.05", "0.05", "0.01"]),
    st.sampled_from(["0.1", "1", "0.03", "1", "0"]),
    st.sampled_from(["0.06", "0.02", "0"]),
)


def cases(at_once: int = 3) -> st.SearchStrategy[Case]:
    steps = st.builds(
        Step,
        st.sampled_from([0, 0, 1, 31, 61, 600, 86_400]),
        st.booleans(),
        st.sampled_from([1, 1, at_once]),
    )
    return st.builds(
        Case,
        st.lists(_offers, min_size=2, max_size=5).map(tuple),
        st.one_of(st.none(), _samples),
        st.lists(steps, min_size=2, max_size=4).map(tuple),
        _budgets,
        st.booleans(),
        st.sampled_from(["next_free", "stop"]),
        st.sampled_from(["anyone", "anyone", "anyone", "companies", "local"]),
    )


class Bug(Exception):
    pass


def outcome(fate: Fate, offer: Offer) -> Any:
    """What the fake does, as tests/studio/fakes.py has it."""
    at = None if fate.at is None else NOON + timedelta(seconds=fate.at)
    errors: dict[str, Exception] = {
        "unavailable": Unavailable("x", again=fate.again),
        "unreachable": Unreachable("x", again=fate.again),
        "gone": Gone("x"), "spoilt": Spoilt("x"), "rate_limited": RateLimited("x", at),
        "quota_exhausted": QuotaExhausted("x", at), "not_configured": NotConfigured("x"),
        "unsupported": Unsupported("x"), "refused": Refused("x"),
        "outcome_unknown": OutcomeUnknown("x"), "defect": Defect("x"), "bug": Bug("x"),
    }  # fmt: skip
    if fate.kind in errors:
        return errors[fate.kind]
    if fate.kind == "hang":
        return hang
    if fate.kind == "picture":
        price = Decimal(offer.usd if offer.usd is not None else offer.ceiling or 0)
        return painted(None if fate.cost is None else str(price * Decimal(fate.cost)))

    async def cancelled() -> Picture:
        if fate.kind == "stop":
            _request.get().cancel()
            return await hang()
        raise asyncio.CancelledError

    return cancelled


def entry_of(name: str, offer: Offer, adapter: str) -> Entry:
    usd, ceiling = offer.usd, offer.ceiling
    return Entry(
        name, adapter, timeout=TIMEOUT, free=offer.free,
        models=(Model("m", None if usd is None else Decimal(usd)),),
        ceiling_usd=None if ceiling is None else Decimal(ceiling),
        key_env=f"KEY_{name.upper()}", sends_prompt_to=SendsPromptTo(offer.who, "x"),
    )  # fmt: skip


@dataclass
class World:
    studio: Studio
    clock: Clock
    fakes: dict[str, Scripted]
    case: Case

    def rows(self) -> list[dict[str, Any]]:
        """The attempts, with whose request each is."""
        with self.studio.ledger.engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT a.*, r.visitor FROM attempts a JOIN requests r ON r.id = a.request_id"
                " ORDER BY a.id"
            )
            return [dict(row) for row in found.mappings()]

    def meters(self) -> dict[tuple[str, str], Decimal]:
        with self.studio.ledger.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT scope, period, amount FROM meters")
            return {(row[0], row[1]): Decimal(row[2]) / 10**9 for row in found}

    @property
    def offers(self) -> dict[str, Offer]:
        named = {f"o{number}": offer for number, offer in enumerate(self.case.offers)}
        return named | ({"last": self.case.last} if self.case.last else {})


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    """A database to begin with."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Studio(Config({}, fallback=()), Path(folder), {}).aclose())
        yield Path(folder) / "ledger.db"


@contextmanager
def world(case: Case, empty: Path) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        shutil.copyfile(empty, Path(folder) / "ledger.db")
        providers: dict[str, Provider] = {}
        for name, traits in fakes.ADAPTERS.items():
            patch.setitem(sys.modules, f"providers.{name}", fakes.adapter(traits, providers))
        patch.setattr("studio.router.random.uniform", lambda *_: 0.0)
        clock = Clock()
        made = World(None, clock, {}, case)  # type: ignore[arg-type]
        entries, environ = {}, {}
        for name, offer in made.offers.items():
            made.fakes[name] = Scripted([outcome(fate, offer) for fate in offer.fates])
            adapter = "drawn" if name == "last" else "keyed"
            entries[name] = entry_of(name, offer, adapter)
            if offer.has_key:
                environ[f"KEY_{name.upper()}"] = "key"
        providers.update(made.fakes)
        config = Config(
            entries, fallback=tuple(name for name in entries if name != "last"),
            last_resort="last" if case.last else None, free_first=case.free_first,
            on_refusal=case.on_refusal, privacy=case.privacy, budget=case.budget, deadline=60,
        )  # fmt: skip
        made.studio = Studio(config, Path(folder), environ, clock)
        made.studio.begin = lambda: None  # type: ignore[method-assign]
        yield made


async def play(world: World) -> list[Told]:
    """All the steps; what each request came to."""
    told: list[Told] = []
    for step in world.case.steps:
        world.clock.now += timedelta(seconds=step.seconds)
        if world.case.free_first:
            plan = await world.studio.plan(GUEST if step.guest else OWNER)
            for_money = [not row.costs_nothing for row in plan if row.entry.name != "last"]
            assert for_money == sorted(for_money)
        asked = [asyncio.ensure_future(_ask(world, step)) for _ in range(step.at_once)]
        told += await asyncio.gather(*asked)
    return told


async def _ask(world: World, step: Step) -> Told:
    async def generate() -> Made | NobodyCould:
        _request.set(asyncio.current_task())  # type: ignore[arg-type]
        request = world.studio.check(prompt="a fox", seed=7)
        (made,) = await world.studio.generate_many(request, GUEST if step.guest else OWNER, 1)
        return made

    try:
        made = await asyncio.ensure_future(generate())
    except asyncio.CancelledError:
        return Told("", False, None, step)
    if isinstance(made, NobodyCould):
        return Told(made.request_id, False, [one.as_dict() for one in made.attempts], step)
    trail = [one.as_dict() for one in made.receipt.attempts]
    return Told(made.receipt.request_id, True, trail, step)


def by_request(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["request_id"]].append(row)
    return list(found.values())


def cost(row: dict[str, Any], offer: Offer) -> Decimal:
    """What it took, or may have taken, in dollars."""
    if row["cost_usd"] is not None:
        return Decimal(row["cost_usd"]) / 10**9
    return Decimal(0) if row["billed"] == "no" else Decimal(offer.usd or offer.ceiling or 0)


def began(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["started_at"]).replace(tzinfo=timezone.utc)


def nothing_is_paid_after_what_may_have_been(world: World, told: list[Told]) -> None:
    for rows in by_request(world.rows()):
        billed = [row["billed"] for row in rows]
        for number, row in enumerate(rows):
            if row["paid_by"] == "budget":
                assert set(billed[:number]) <= {"no"}, rows
        assert sum(row["billed"] != "no" and row["paid_by"] == "budget" for row in rows) <= 1


def no_budget_is_passed(world: World, told: list[Told]) -> None:
    budget, spent = world.case.budget, defaultdict[Any, Decimal](Decimal)
    for row in world.rows():
        if row["paid_by"] == "budget":
            usd, day = cost(row, world.offers[row["provider"]]), row["started_at"][:10]
            assert usd <= budget.usd_per_image
            spent["everybody", day] += usd
            if row["visitor"] == GUEST.id:
                spent[f"visitor {GUEST.id}", day] += usd
    for (whose, day), usd in spent.items():
        ceiling = budget.usd_per_day if whose == "everybody" else budget.usd_per_visitor_day
        assert usd <= ceiling, (whose, day)
    meters = world.meters()
    for (whose, day), usd in meters.items():
        if not whose.startswith("allowance"):
            assert spent[whose, day] == usd, (whose, day)
    assert {key for key, usd in spent.items() if usd} <= set(meters)


def no_allowance_is_passed(world: World, told: list[Told]) -> None:
    taken = defaultdict[Any, Decimal](Decimal)
    for row in world.rows():
        offer = world.offers[row["provider"]]
        if offer.free and row["paid_by"] != "budget":
            period = period_of(offer.free.per, began(row))[0]
            got = row["outcome"] == "succeeded" or row["billed"] != "no"
            usd = cost(row, offer)
            taken[row["provider"], period] += usd if offer.free.unit == "usd" else Decimal(got)
    for (name, _), amount in taken.items():
        free = world.offers[name].free
        assert free is not None
        assert amount <= free.amount, name


def a_picture_or_all_of_the_trail(world: World, told: list[Told]) -> None:
    every = set(world.offers)
    for one in told:
        if one.trail is None:
            continue
        names = [attempt["provider"] for attempt in one.trail]
        ran = [attempt for attempt in one.trail if attempt["outcome"] != "skipped"]
        again = [n for n in every if names.count(n) > 1]
        assert len(names) <= len(set(names)) + 1, names  # one second try, and of one offer
        for name in again:
            first = names.index(name)
            assert names[first + 1] == name
            assert one.trail[first]["outcome"] in ("unavailable", "rate_limited")
            assert one.trail[first]["billed"] == "no"
        if one.picture:
            assert ran[-1]["outcome"] == "succeeded"
            assert sum(attempt["outcome"] == "succeeded" for attempt in ran) == 1
        elif not (world.case.on_refusal == "stop" and one.trail[-1]["outcome"] == "refused"):
            assert set(names) == every
        assert all(attempt["reason"] for attempt in one.trail if attempt["outcome"] != "succeeded")


def what_costs_nothing_comes_first(world: World, told: list[Told]) -> None:
    if not world.case.free_first:
        return
    for rows in by_request(world.rows()):
        who_pays = [row["paid_by"] == "budget" for row in rows if row["provider"] != "last"]
        assert who_pays == sorted(who_pays), rows


def a_sample_is_the_last_resort(world: World, told: list[Told]) -> None:
    for rows in by_request(world.rows()):
        for number, row in enumerate(rows):
            if row["provider"] == "last":
                assert all(before["billed"] == "no" for before in rows[:number])
                assert all(before["outcome"] != "refused" for before in rows[:number])


def nothing_is_left_open(world: World, told: list[Told]) -> None:
    assert all(row["outcome"] != "started" for row in world.rows())
    assert not list((world.studio.folder / "pictures" / "unfinished").glob("*"))
    with world.studio.ledger.engine.connect() as connection:
        open_ = connection.exec_driver_sql("SELECT count(*) FROM requests WHERE ended_at IS NULL")
        assert open_.scalar() == 0


async def every_rest_ends(world: World) -> None:
    world.clock.now += timedelta(days=400)
    plan = await world.studio.plan(OWNER)
    assert all(row.state != "resting" for row in plan)
    for row in plan:
        if row.said is None:
            world.fakes[row.entry.name].outcomes[:] = [painted("0")]
            request = world.studio.check(prompt="a fox", provider=row.entry.name)
            await world.studio.generate(request, OWNER)


ALWAYS: tuple[Callable[[World, list[Told]], None], ...] = (
    nothing_is_paid_after_what_may_have_been,
    no_budget_is_passed,
    no_allowance_is_passed,
    a_picture_or_all_of_the_trail,
    what_costs_nothing_comes_first,
    a_sample_is_the_last_resort,
    nothing_is_left_open,
)


@OFTEN
@given(case=cases())
def test_what_always_holds(empty: Path, case: Case) -> None:
    holds(case, empty)


def holds(case: Case, empty: Path) -> None:
    async def run(world: World) -> None:
        try:
            told = await play(world)
            for property_ in ALWAYS:
                property_(world, told)
            await every_rest_ends(world)
        finally:
            await world.studio.aclose()

    with world(case, empty) as made:
        asyncio.run(run(made))


def timeless(told: list[Told]) -> list[Any]:
    return [
        one.trail and [{**attempt, "seconds": 0} for attempt in one.trail] for one in told
    ]  # fmt: skip


@settings(OFTEN, max_examples=30)
@given(case=cases(at_once=1))
def test_the_same_requests_and_the_same_answers_give_the_same_receipts(
    empty: Path, case: Case
) -> None:
    async def run(world: World) -> list[Any]:
        try:
            return timeless(await play(world))
        finally:
            await world.studio.aclose()

    twice = []
    for _ in range(2):
        with world(case, empty) as made:
            twice.append(asyncio.run(run(made)))
    assert twice[0] == twice[1]
