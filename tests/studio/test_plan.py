"""The plan: who would be asked, in which order, who pays, and why somebody is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Entry, Free, Model, SendsPromptTo
from studio.config import Budget, Config
from studio.keys import account_of
from studio.ledger import Usage
from studio.periods import period_of
from studio.plan import Moment, Planned, make_plan
from studio.request import Request
from tests.studio.fakes import NOON, entry

STOPS = Free(Decimal(3), "images", "day", "stops")
RICH = Budget(Decimal("0.05"), Decimal(1))


def plan(
    *entries: Entry,
    request: Request | None = None,
    used: Usage | None = None,
    left: str = "1",
    environ: dict[str, str] | None = None,
    now: datetime = NOON,
    **config: Any,
) -> list[Planned]:
    order = tuple(e.name for e in entries if e.name != config.get("last_resort"))
    config = {"fallback": order, "budget": RICH} | config
    moment = Moment(now, environ or {}, Decimal(left), lambda *_: used or Usage())
    return make_plan(Config({e.name: e for e in entries}, **config), moment, request)


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
        "not_installed", "not installed: pip install -r requirements-gpu.txt"),
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
    "an allowance that is spent and stops": (entry("a", "0.01", free=STOPS), {"used": Usage(3)},
        "spent", "included credit is spent until 2026-03-15 00:00 UTC"),
    "an allowance spent once and for all": (entry("a", "0.01", free=replace(STOPS, per="once")),
        {"used": Usage(3)}, "spent", "included credit is spent until further notice"),
    "less credit left than the price": (entry("a", "0.003", free=Free(Decimal("0.1"), "usd", "month", "stops")),
        {"used": Usage(33, Decimal("0.098"))}, "spent",
        "included credit is spent until 2026-04-01 00:00 UTC"),
    "credit that is spent, at an unknown price": (entry("a", None, free=Free(Decimal(1), "usd", "once", "stops")),
        {"used": Usage(1, Decimal(1))}, "spent", "included credit is spent until further notice"),
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
        {"used": Usage(3), "budget": Budget(), "left": "0"},
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
        (entry("a", "0.01", free=STOPS), {"used": Usage(2), "left": "0"}, "allowance"),
        (entry("a", None, free=STOPS), {"left": "0"}, "allowance"),
        (entry("a", "0.01", free=replace(STOPS, unit="gpu_seconds")), {"left": "0"}, "allowance"),
        (entry("a", "0.01", free=replace(STOPS, when_spent="bills")), {"used": Usage(3)}, "budget"),
        (entry("a", "0.01", free=replace(STOPS, when_spent="unknown")), {"used": Usage(3)}, "budget"),
        (entry("a", "0.01", free=Free(Decimal(9), "neurons", "day", "bills")), {}, "budget"),
    ],
)  # fmt: skip
def test_who_may_be_asked_says_who_pays(ready: Entry, more: dict[str, Any], paid_by: str) -> None:
    (row,) = plan(ready, **more)
    assert (row.state, row.place, row.said, row.paid_by) == ("ready", 1, None, paid_by)


def test_what_is_left_of_an_allowance_is_counted_in_its_own_unit() -> None:
    credit = Free(Decimal("0.10"), "usd", "month", "stops")
    images, usd, seconds = plan(
        entry("a", "0.01", free=STOPS), entry("b", "0.01", free=credit),
        entry("c", "0.01", free=replace(STOPS, unit="gpu_seconds")),
        used=Usage(1, Decimal("0.004")),
    )  # fmt: skip
    assert (images.left, usd.left, seconds.left) == (2, Decimal("0.096"), None)
    assert usd.resets_at == datetime(2026, 4, 1, tzinfo=timezone.utc)
    assert seconds.resets_at == datetime(2026, 3, 15, tzinfo=timezone.utc)


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


def test_the_use_is_asked_for_by_entry_account_and_period() -> None:
    seen = []
    moment = Moment(NOON, {"K": "secret"}, Decimal(0), lambda *a: seen.append(a) or Usage())
    one = entry("a", "0.01", key_env="K", free=STOPS)
    (row,) = make_plan(Config({"a": one}, fallback=("a",)), moment)
    assert seen == [("a", row.account, NOON.replace(hour=0))]
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
