"""The plan: who would be asked, in which order, who pays, and why somebody is left out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from providers.base import Entry, Free, Model, SendsPromptTo
from studio.allowance import NO_ALLOWANCE, Allowance, allowance_of, meter_of
from studio.budget import budget_holds
from studio.config import Budget, Config
from studio.keys import account_of
from studio.meters import Hold
from studio.offer import Moment, Planned
from studio.periods import period_of
from studio.plan import make_plan
from studio.request import Request
from studio.rests import TRIED, Rest
from studio.tables import metadata, meters
from studio.visitor import Visitor
from studio.words import Said
from tests.studio.conftest import GUEST, OWNER
from tests.studio.fakes import NOON, entry

STOPS = Free(Decimal(3), "images", "day", "stops")
RICH = Budget(Decimal("0.05"), Decimal(1))


def plan(
    *entries: Entry,
    request: Request | None = None,
    used: str = "0",
    left: str = "1",
    environ: dict[str, str] | None = None,
    now: datetime = NOON,
    rests: Mapping[str, Rest | Said] | None = None,
    visitor: Visitor = OWNER,
    pictures: int = 1,
    **config: Any,
) -> list[Planned]:
    """A plan after `used` of each allowance is counted, in its own unit; `rests` are by entry."""
    order = tuple(e.name for e in entries if e.name != config.get("last_resort"))
    config = {"fallback": order, "budget": RICH} | config
    database = create_engine("sqlite://")
    metadata.create_all(database)
    with ExitStack() as stack:
        stack.callback(database.dispose)
        connection = stack.enter_context(database.begin())
        for one in {e.name: e for e in entries if e.free}.values():
            assert one.free
            account = account_of((environ or {}).get(one.key_env or ""))
            meter = meter_of(one, one.free, account, now)
            values = {"scope": meter.scope, "period": meter.period, "amount": Decimal(used)}
            connection.execute(insert(meters).values(**values))
        moment = Moment(
            now,
            environ or {},
            Decimal(left),
            lambda usd: budget_holds(config["budget"], visitor, usd, now),
            lambda *offer: allowance_of(connection, *offer, now),
            lambda name, _model, _account: (rests or {}).get(name),
        )
        whole = Config({e.name: e for e in entries}, **config)
        return make_plan(whole, moment, request, pictures)


def rest(name: str, seconds: float, outcome: str = "unavailable") -> dict[str, Rest | Said]:
    """One that is over so many seconds from now."""
    return {name: Rest(name, "", "anonymous", NOON + timedelta(seconds=seconds), outcome)}


def names(rows: list[Planned]) -> list[str]:
    return [row.entry.name for row in rows]


def test_what_costs_nothing_comes_first_else_in_the_order_of_the_config() -> None:
    entries = (
        entry("paid", "0.01"), entry("free"), entry("dear", "0.05"),
        entry("credit", "0.02", free=STOPS), entry("gift"),
    )  # fmt: skip
    rows = plan(*entries)
    assert names(rows) == ["free", "credit", "gift", "paid", "dear"]
    assert [row.paid_by for row in rows] == ["free", "allowance", "free", "budget", "budget"]
    assert [row.place for row in rows] == [1, 2, 3, 4, 5]
    assert {row.state for row in rows} == {"ready"}
    assert names(plan(*entries, free_first=False)) == ["paid", "free", "dear", "credit", "gift"]


def test_an_offer_of_fallback_is_asked_for_its_model() -> None:
    both = entry("a", models=(Model("m", Decimal(0)), Model("org/n", Decimal(0))))
    rows = plan(both, entry("b"), fallback=("a/org/n", "b", "a", "a/m"))
    assert [(row.entry.name, row.model.id) for row in rows] == [
        ("a", "org/n"), ("b", "m"), ("a", "m"),
    ]  # fmt: skip


def test_an_entry_without_models_is_asked_for_its_own() -> None:
    (row,) = plan(entry("a", models=(), ceiling_usd=Decimal("0.01")))
    assert (row.model.id, row.model.usd, row.paid_by) == ("default", None, "budget")


# The entry, what else differs, its state and the sentence.
LEFT_OUT: dict[str, tuple[Entry, dict[str, Any], str, str]] = {
    "no key": (entry("a", adapter="keyed", key_env="A_KEY"), {"environ": {"A_KEY": "  "}},
        "no_key", "no key: set A_KEY"),
    "no address, with a variable": (entry("a", adapter="local", base_url_env="A_URL"), {},
        "no_address", "no address: set A_URL"),
    "no package": (entry("a", adapter="heavy"), {},
        "not_installed", "not installed: pip install it"),
    "no address, without one": (entry("a", adapter="local"), {},
        "no_address", "no address: set base_url of a"),
    "volunteers where only companies may": (entry("a", sends_prompt_to=SendsPromptTo("volunteers", "a.org")),
        {"privacy": "companies"}, "private",
        "left out: it sends the prompt to a.org, and the privacy switch says companies"),
    "a company where all stays here": (entry("a", sends_prompt_to=SendsPromptTo("company")),
        {"privacy": "local"}, "private",
        "left out: it sends the prompt to company, and the privacy switch says local"),
    "nobody knows who where only companies may": (entry("a"), {"privacy": "companies"}, "private",
        "left out: it sends the prompt to an unknown place, and the privacy switch says companies"),
    "an allowance that is spent and stops": (entry("a", "0.01", free=STOPS), {"used": "3"},
        "spent", "included credit is spent until 2026-03-15 00:00 UTC"),
    "an allowance spent once and for all": (entry("a", "0.01", free=replace(STOPS, per="once")),
        {"used": "3"}, "spent", "included credit is spent until further notice"),
    "less credit left than the price": (entry("a", "0.003", free=Free(Decimal("0.1"), "usd", "month", "stops")),
        {"used": "0.098"}, "spent",
        "included credit is spent until 2026-04-01 00:00 UTC"),
    "credit that is spent, at an unknown price": (entry("a", None, free=Free(Decimal(1), "usd", "once", "stops")),
        {"used": "1"}, "spent", "included credit is spent until further notice"),
    "paid is off": (entry("a", "0.01"), {"budget": Budget(), "left": "0"},
        "over_budget", "over budget: it costs $0.01 and paid is off"),
    "the day's budget is spent": (entry("a", "0.01"), {"left": "0"},
        "over_budget", "over budget: it costs $0.01 and $0 is left today"),
    "more than a picture may cost": (entry("a", "0.051"), {},
        "over_budget", "over budget: it costs $0.051, more than $0.05 a picture"),
    "more than is left today": (entry("a", "0.05"), {"left": "0.049"},
        "over_budget", "over budget: it costs $0.05 and $0.049 is left today"),
    "an unknown price without a ceiling": (entry("a", None), {},
        "over_budget", "over budget: its price is unknown and no ceiling is set for it"),
    "an unknown price with a high ceiling": (entry("a", None, ceiling_usd=Decimal("0.06")), {},
        "over_budget", "over budget: it costs $0.06, more than $0.05 a picture"),
    "an allowance that is spent and bills, paid off": (entry("a", "0.01", free=replace(STOPS, when_spent="bills")),
        {"used": "3", "budget": Budget(), "left": "0"},
        "over_budget", "over budget: it costs $0.01 and paid is off"),
}  # fmt: skip


@pytest.mark.parametrize("why", LEFT_OUT)
def test_who_is_left_out_has_a_state_and_a_reason_and_no_place(why: str) -> None:
    left_out, more, state, sentence = LEFT_OUT[why]
    local = entry("here", sends_prompt_to=SendsPromptTo("nowhere"))
    rows = plan(left_out, local, **more)
    row = next(row for row in rows if row.entry.name == "a")
    assert (row.state, str(row.said), row.place) == (state, sentence, None)
    assert [(row.place, row.state) for row in rows if row.entry.name == "here"] == [(1, "ready")]


@pytest.mark.parametrize(
    ("ready", "more", "paid_by"),
    [
        (entry("a", adapter="keyed", key_env="A_KEY"), {"environ": {"A_KEY": "k"}}, "free"),
        (entry("a", adapter="local", base_url="http://localhost:1"), {}, "free"),
        (entry("a", sends_prompt_to=SendsPromptTo("company")), {"privacy": "companies"}, "free"),
        (entry("a", "0.05"), {"left": "0.05"}, "budget"),
        (entry("a", None, ceiling_usd=Decimal("0.05")), {}, "budget"),
        (entry("a", "0.01", free=STOPS), {"used": "2", "left": "0"}, "allowance"),
        (entry("a", None, free=STOPS), {"left": "0"}, "allowance"),
        (entry("a", "0.01", free=replace(STOPS, unit="gpu_seconds")), {"left": "0"}, "allowance"),
        (entry("a", "0.01", free=replace(STOPS, when_spent="bills")), {"used": "3"}, "budget"),
        (entry("a", "0.01", free=replace(STOPS, when_spent="unknown")), {"used": "3"}, "budget"),
        (entry("a", "0.01", free=Free(Decimal(9), "neurons", "day", "bills")), {}, "budget"),
    ],
)  # fmt: skip
def test_who_may_be_asked_says_who_pays(ready: Entry, more: dict[str, Any], paid_by: str) -> None:
    (row,) = plan(ready, **more)
    assert (row.state, row.place, row.said, row.paid_by) == ("ready", 1, None, paid_by)


def test_what_is_left_of_an_allowance_is_counted_in_its_own_unit() -> None:
    credit = Free(Decimal("0.10"), "usd", "month", "stops")
    images, usd, seconds = (row.allowance for row in plan(
        entry("a", "0.01", free=STOPS), entry("b", "0.01", free=credit),
        entry("c", "0.01", free=replace(STOPS, unit="gpu_seconds")), used="0.004",
    ))  # fmt: skip
    assert (images.left, usd.left, seconds.left) == (Decimal("2.996"), Decimal("0.096"), None)
    assert (images.as_of, usd.as_of, seconds.as_of) == (None, None, None)
    assert usd.resets_at == datetime(2026, 4, 1, tzinfo=timezone.utc)
    assert seconds.resets_at == datetime(2026, 3, 15, tzinfo=timezone.utc)


NEURONS = Free(Decimal(1000), "neurons", "day", "stops", each=Decimal(96))
A_DAY, ONE = "2026-03-14T00:00", Decimal(1)
CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("offer", "visitor", "holds"),
    [
        (entry("a"), OWNER, []),
        (entry("a", free=STOPS), OWNER, [Hold("allowance a anonymous", A_DAY, ONE, Decimal(3), False)]),
        (entry("a", "0.01", free=STOPS), GUEST,
            [Hold("allowance a anonymous", A_DAY, ONE, Decimal(3), False)]),
        (entry("a", "0.01", free=NEURONS), OWNER,
            [Hold("allowance a anonymous", A_DAY, Decimal(96), Decimal(1000), False)]),
        (entry("a", "0.01", free=Free(CENT * 10, "usd", "once", "stops")), OWNER,
            [Hold("allowance a anonymous", "1970-01-01T00:00", CENT, CENT * 10, True)]),
        (entry("a", "0.01", free=replace(STOPS, unit="gpu_seconds")), OWNER, []),
        (entry("a", "0.01"), OWNER, [Hold("everybody", "2026-03-14", CENT, ONE, True)]),
        (entry("a", None, ceiling_usd=CENT * 2), OWNER,
            [Hold("everybody", "2026-03-14", CENT * 2, ONE, True)]),
        (entry("a", "0.01"), GUEST, [Hold("everybody", "2026-03-14", CENT, ONE, True),
            Hold("visitor guest", "2026-03-14", CENT, Decimal(0), True)]),
    ],
    ids=["free", "free with an allowance", "images", "neurons", "credit", "uncountable", "budget",
         "budget by ceiling", "budget of a visitor"],
)  # fmt: skip
def test_what_must_be_set_aside_follows_from_who_pays(
    offer: Entry, visitor: Visitor, holds: list[Hold]
) -> None:
    (row,) = plan(offer, visitor=visitor)
    assert list(row.holds) == holds


def test_a_hold_is_bounded_by_the_whole_allowance_whatever_of_it_is_used() -> None:
    (row,) = plan(entry("a", free=STOPS), used="2")
    assert row.allowance == Allowance(ONE, datetime(2026, 3, 15, tzinfo=timezone.utc), *row.holds)
    assert [(hold.amount, hold.ceiling) for hold in row.holds] == [(1, 3)]
    (spent,) = plan(entry("a", "0.01", free=replace(STOPS, when_spent="bills")), used="3")
    assert (spent.paid_by, [hold.scope for hold in spent.holds]) == ("budget", ["everybody"])


@pytest.mark.parametrize(("pictures", "state"), [(3, "ready"), (4, "over_budget")])
def test_so_many_pictures_need_money_for_all_of_them(pictures: int, state: str) -> None:
    rows = plan(entry("a", "0.01"), entry("b"), left="0.03", pictures=pictures)
    assert {row.entry.name: row.state for row in rows} == {"a": state, "b": "ready"}
    if state == "over_budget":
        sentence = "over budget: it costs $0.04 and $0.03 is left today"
        assert [str(row.said) for row in rows if row.said] == [sentence]
        assert [row.place for row in rows] == [1, None]


def test_so_many_pictures_may_together_cost_more_than_one_may() -> None:
    (row,) = plan(entry("a", "0.05"), left="0.20", pictures=4)
    assert row.state == "ready"
    assert [hold.amount for hold in row.holds] == [Decimal("0.05")]  # each call sets aside its own


def test_a_rest_that_goes_on_leaves_out_and_says_until_when() -> None:
    rows = plan(entry("a"), entry("b"), rests=rest("a", 90))
    assert [(row.state, row.place) for row in rows] == [("resting", None), ("ready", 1)]
    assert str(rows[0].said) == "resting until 12:01:30 UTC after a failure"
    assert rows[0].rest == rest("a", 90)["a"]


def test_a_rest_that_is_over_is_in_the_plan_for_one_of_us_to_end() -> None:
    first, second = plan(entry("a"), entry("b"), rests=rest("a", 0))
    assert (first.state, first.place, first.rest) == ("ready", 1, rest("a", 0)["a"])
    assert (second.state, second.place, second.rest) == ("ready", 2, None)


def test_a_rest_without_an_end_is_not_set_up_and_is_never_tried() -> None:
    said = Said("not_set_up", reason="401")
    rows = plan(entry("a"), rests={"a": said})
    assert [(row.state, row.said, row.place, row.rest) for row in rows] == [
        ("not_set_up", said, None, None)
    ]


def test_a_rest_till_another_day_says_the_day() -> None:
    (row, _) = plan(entry("a"), entry("b"), rests=rest("a", 86400))
    assert str(row.said) == "resting until 2026-03-15 12:00:00 UTC after a failure"


def test_if_all_rest_the_one_due_first_is_tried() -> None:
    entries = entry("a"), entry("b"), entry("c", adapter="keyed", key_env="K"), entry("d", "9")
    resting = {**rest("a", 60), **rest("b", 30), **rest("c", 1), **rest("d", 1)}
    rows = plan(*entries, rests=resting)
    assert [(row.entry.name, row.state, row.place) for row in rows] == [
        ("a", "resting", None), ("b", "tried", 1), ("c", "no_key", None), ("d", "over_budget", None),
    ]  # fmt: skip
    assert (rows[1].said, rows[1].rest) == (None, resting["b"])
    assert names([row for row in plan(*entries, entry("e"), rests=resting) if row.place]) == ["e"]


def test_one_that_somebody_tries_at_this_moment_is_not_tried_beside() -> None:
    rows = plan(entry("a"), entry("b"), rests={**rest("a", 9, TRIED), **rest("b", 60)})
    assert [row.place for row in rows] == [None, 1]
    (alone,) = plan(entry("a"), rests=rest("a", 9, TRIED))
    assert (alone.state, alone.place) == ("resting", None)


def test_a_sample_never_counts_as_somebody_who_is_ready() -> None:
    drawn, real = entry("z", adapter="drawn"), entry("a")
    rows = plan(real, drawn, rests=rest("a", 60))
    assert [(row.entry.name, row.place) for row in rows] == [("a", 1), ("z", 2)]
    rows = plan(real, drawn, rests=rest("a", 60), last_resort="z")
    assert [(row.place, row.state) for row in rows] == [(1, "tried"), (2, "last_resort")]


def test_a_sample_that_rests_is_tried_only_where_there_is_nothing_else() -> None:
    drawn, both = entry("z", adapter="drawn"), {**rest("a", 60), **rest("z", 1)}
    assert [row.place for row in plan(entry("a"), drawn, rests=both)] == [1, None]
    assert [row.place for row in plan(drawn, rests=both)] == [1]


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("minute", "2026-12-31T23:59", "2027-01-01T00:00"),
        ("hour", "2026-12-31T23:00", "2027-01-01T00:00"),
        ("day", "2026-12-31T00:00", "2027-01-01T00:00"),
        ("month", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("once", "1970-01-01T00:00", None),
    ],
)
def test_an_allowance_comes_back_by_whole_periods_of_utc(
    per: str, start: str, end: str | None
) -> None:
    there = timezone(timedelta(hours=8))
    now = datetime(2027, 1, 1, 7, 59, 59, 999999, tzinfo=there)  # 23:59:59 of the day before
    began, resets = period_of(per, now)
    assert began == datetime.fromisoformat(f"{start}+00:00")
    assert resets == (datetime.fromisoformat(f"{end}+00:00") if end else None)
    assert resets is None or period_of(per, resets)[0] == resets


def test_allowance_and_rest_are_asked_for_by_entry_model_and_account() -> None:
    seen: list[Any] = []

    def allowance(*asked: Any) -> Allowance:
        seen.append(asked)
        return NO_ALLOWANCE

    moment = Moment(
        NOON, {"K": "secret"}, Decimal(0), lambda usd: (), allowance,
        lambda *asked: seen.append(asked),
    )  # fmt: skip
    one = entry("a", key_env="K", free=STOPS)
    (row,) = make_plan(Config({"a": one}, fallback=("a",)), moment)
    assert seen == [(one, one.models[0], row.account), ("a", "m", row.account)]
    assert row.account == account_of("secret") != account_of("other")
    assert "secret" not in row.account
    assert account_of(None) == "anonymous"


def test_the_last_resort_comes_last_and_only_where_anybody_may_answer() -> None:
    last = entry("z", adapter="drawn")
    paid, free = entry("a", "0.01"), entry("b")
    for request in (None, Request("x")):
        rows = plan(last, paid, free, request=request, last_resort="z")
        assert names(rows) == ["b", "a", "z"]
        assert [(row.place, row.state) for row in rows][-1] == (3, "last_resort")
        assert [row.sample for row in rows] == [False, False, True]
    for request in (Request("x", model="m"), Request("x", provider="a")):
        assert "z" not in names(plan(last, paid, free, request=request, last_resort="z"))


def test_a_last_resort_that_is_listed_is_asked_where_it_stands() -> None:
    rows = plan(entry("z", adapter="drawn"), entry("a"), last_resort="z", fallback=("z", "a"))
    assert [(row.entry.name, row.state) for row in rows] == [("z", "ready"), ("a", "ready")]


def test_the_last_resort_keeps_to_the_rules_too() -> None:
    last = entry("z", sends_prompt_to=SendsPromptTo("company", "z.com"))
    (row,) = plan(last, last_resort="z", privacy="local")
    assert (row.state, row.place) == ("private", None)


def test_a_named_provider_means_that_one_only() -> None:
    two = entry("b", models=(Model("m", Decimal(0)), Model("n", Decimal(0))))
    rows = plan(entry("a"), two, request=Request("x", provider="b"), last_resort="a")
    assert [(row.entry.name, row.model.id) for row in rows] == [("b", "m")]
    (row,) = plan(entry("a"), two, request=Request("x", provider="b", model="n"))
    assert row.model.id == "n"
    (last,) = plan(entry("z", adapter="drawn"), request=Request("x", provider="z"), last_resort="z")
    assert (last.state, last.sample) == ("ready", True)


def test_auto_with_a_model_asks_those_that_have_it_and_says_so_of_the_others() -> None:
    two = entry("b", models=(Model("m", Decimal(0)), Model("n", Decimal(0))))
    rows = plan(entry("a"), two, entry("c"), request=Request("x", model="n"))
    assert [(row.entry.name, row.model.id, row.state, row.place) for row in rows] == [
        ("a", "m", "other_model", None), ("b", "n", "ready", 1), ("c", "m", "other_model", None),
    ]  # fmt: skip
    assert str(rows[0].said) == "left out: it does not have the model n"
