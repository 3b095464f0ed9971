"""What is left of a free allowance: by our count, by the service's word, and with many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Entry, Free, Model, OutcomeUnknown, Quota, Unavailable
from studio import meters
from studio.allowance import NO_ALLOWANCE, Allowance, allowance_of
from studio.budget import budget_holds
from studio.config import Budget, Config
from studio.database import reading
from studio.keys import account_of
from studio.ledger import Ledger, Opened
from studio.offer import Moment, Planned
from studio.plan import make_plan
from studio.receipt import Attempt, NobodyCould
from tests.studio.conftest import OWNER, Bench
from tests.studio.fakes import NOON, Clock, entry, painted

TEN = Free(Decimal(10), "images", "day", "stops")
CREDIT = Free(Decimal(1), "usd", "month", "stops")
MINE, THEIRS = account_of("mine"), account_of("theirs")


def left(ledger: Ledger, one: Entry, account: str = MINE, model: Model | None = None) -> Allowance:
    with reading(ledger.engine) as connection:
        return allowance_of(connection, one, model or one.models[0], account, ledger.clock())


def begin(ledger: Ledger, one: Entry, key: str = "mine", model: str = "m") -> Opened | Any:
    """An attempt as the plan of this moment has it, or why there is none."""
    with reading(ledger.engine) as connection:
        moment = Moment(
            ledger.clock(), {"K": key}, Decimal(9),
            lambda usd: budget_holds(Budget(), OWNER, usd, ledger.clock()),
            lambda *offer: allowance_of(connection, *offer, ledger.clock()), lambda *_: None,
        )  # fmt: skip
        keyed = replace(one, key_env="K")
        whole = Config({one.name: keyed}, fallback=(f"{one.name}/{model}",))
        (row,) = make_plan(whole, moment)
    return row.said or ledger.start("0" * 32, row)


def use(ledger: Ledger, one: Entry, cost: str | None = "0", **more: Any) -> None:
    """A picture that was made, and what it cost."""
    opened = begin(ledger, one, **more)
    assert isinstance(opened, Opened), str(opened)
    ledger.settle(opened, settled_as(opened, "succeeded", cost, "no" if cost == "0" else "yes"))


def settled_as(opened: Opened, outcome: str, cost: str | None, billed: str) -> Attempt:
    row = opened.row
    usd = None if cost is None else Decimal(cost)
    return Attempt(row.entry.name, row.model.id, outcome, cost_usd=usd, billed=billed)


def says(ledger: Ledger, one: Entry, number: str, **more: Any) -> None:
    """The service's own figure."""
    about = {"limit": None, "unit": one.free and one.free.unit, "resets_at": None}
    about |= {"as_of": ledger.clock()} | more
    ledger.record_quota(one, MINE, Quota(Decimal(number), **about))


@pytest.mark.parametrize(
    ("free", "usd", "cost", "after"),
    [
        (TEN, "0", "0", "9"),
        (TEN, "0.01", "0.01", "9"),
        (TEN, None, None, "9"),
        (CREDIT, "0.03", "0.03", "0.97"),
        (CREDIT, "0.03", "0.02", "0.98"),
        (CREDIT, "0.03", None, "0.97"),
        (CREDIT, None, None, "1"),
        (CREDIT, None, "0.02", "0.98"),
        (Free(Decimal(10_000), "neurons", "day", "stops", each=Decimal(96)), "0.001", "0.001", "9904"),
        (Free(Decimal(120), "gpu_seconds", "day", "stops", each=Decimal(60)), "0", "0", "60"),
    ],
    ids=["free images", "images", "images of unknown price", "dollars", "dollars, cheaper in the end",
         "dollars, cost unknown", "nobody knows any price", "price unknown, cost known", "neurons",
         "seconds"],
)  # fmt: skip
def test_a_picture_takes_of_an_allowance_in_its_own_unit(
    ledger: Ledger, free: Free, usd: str | None, cost: str | None, after: str
) -> None:
    one = entry("a", usd, free=free)
    assert left(ledger, one).left == free.amount
    use(ledger, one, cost)
    assert left(ledger, one).left == Decimal(after)


@pytest.mark.parametrize("unit", ["neurons", "gpu_seconds"])
def test_what_a_picture_takes_and_nobody_knows_is_not_counted(ledger: Ledger, unit: Any) -> None:
    one = entry("a", free=Free(Decimal(100), unit, "day", "stops"))
    use(ledger, one)
    tomorrow = datetime(2026, 3, 15, tzinfo=timezone.utc)
    assert left(ledger, one) == Allowance(None, tomorrow)


def test_what_costs_nothing_takes_nothing_of_credit_and_outlives_it(ledger: Ledger) -> None:
    models = (Model("paid", Decimal(1)), Model("m", Decimal(0)))
    one = entry("a", models=models, free=CREDIT)
    use(ledger, one, "1", model="paid")
    assert left(ledger, one).left == 0
    assert left(ledger, one, model=models[1]) == NO_ALLOWANCE
    use(ledger, one)


def test_a_price_that_nobody_knows_counts_as_the_dearest_that_is_known(ledger: Ledger) -> None:
    models = (Model("m"), Model("cheap", Decimal("0.01")), Model("dear", Decimal("0.08")))
    one = entry("a", models=models, free=CREDIT)
    use(ledger, one, None)
    assert left(ledger, one).left == Decimal("0.92")
    bounded = replace(one, name="b", ceiling_usd=Decimal("0.10"))
    use(ledger, bounded, None)
    assert left(ledger, bounded).left == Decimal("0.90")
    almost = replace(one, free=replace(CREDIT, amount=Decimal("0.12")))
    assert left(ledger, almost).is_enough is False  # 0.04 are left of it
    assert left(ledger, almost, model=models[1]).is_enough is True


@pytest.mark.parametrize(
    ("outcome", "cost", "billed", "after"),
    [
        ("unavailable", "0", "no", 10), ("refused", "0", "no", 10),
        ("outcome_unknown", None, "maybe", 9), ("defect", None, "maybe", 9),
        ("succeeded", "0", "no", 9), ("succeeded", "0.01", "yes", 9), ("succeeded", None, "yes", 9),
    ],
)  # fmt: skip
def test_what_was_set_aside_comes_back_only_where_nothing_was_taken(
    ledger: Ledger, outcome: str, cost: str | None, billed: str, after: int
) -> None:
    one = entry("a", "0.01", free=TEN)
    opened = begin(ledger, one)
    assert left(ledger, one).left == 9
    ledger.settle(opened, settled_as(opened, outcome, cost, billed))
    assert left(ledger, one).left == after


@pytest.mark.parametrize(
    ("per", "last", "resets_at"),
    [
        ("minute", timedelta(seconds=59), NOON + timedelta(minutes=1)),
        ("hour", timedelta(minutes=59, seconds=59), NOON + timedelta(hours=1)),
        ("day", timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)),
        ("month", timedelta(days=17, hours=11), datetime(2026, 4, 1, tzinfo=timezone.utc)),
    ],
)
def test_an_allowance_comes_back_when_its_period_is_over_and_not_before(
    ledger: Ledger, clock: Clock, per: Any, last: timedelta, resets_at: datetime
) -> None:
    one = entry("a", free=replace(TEN, per=per))
    use(ledger, one)
    clock.now += last
    found = left(ledger, one)
    assert (found.left, found.resets_at) == (9, resets_at)
    clock.now = resets_at
    again = left(ledger, one)
    assert again.left == 10
    assert again.resets_at
    assert again.resets_at > resets_at


def test_an_allowance_that_is_given_once_never_comes_back(ledger: Ledger, clock: Clock) -> None:
    one = entry("a", free=replace(TEN, per="once"))
    use(ledger, one)
    clock.now += timedelta(days=4000)
    assert (left(ledger, one).left, left(ledger, one).resets_at) == (9, None)


def test_each_account_of_each_entry_has_its_own(ledger: Ledger) -> None:
    a, b = entry("a", free=TEN), entry("b", free=TEN)
    use(ledger, a)
    use(ledger, a, key="theirs")
    use(ledger, a)
    assert [left(ledger, a, who).left for who in (MINE, THEIRS, "anonymous")] == [8, 9, 10]
    assert left(ledger, b).left == 10


def test_entries_of_one_pool_share_an_allowance_account_by_account(ledger: Ledger) -> None:
    pooled = replace(TEN, pool="one for all")
    a, b = entry("a", free=pooled), entry("b", "0.01", free=pooled)
    use(ledger, a)
    use(ledger, b, "0.01")
    assert [left(ledger, one).left for one in (a, b, entry("a", free=TEN))] == [8, 8, 10]
    assert left(ledger, b, THEIRS).left == 10
    says(ledger, a, "5")
    assert [left(ledger, one).left for one in (a, b)] == [5, 5]


def test_the_figure_of_a_service_wins_over_our_count_and_keeps_its_time(
    ledger: Ledger, clock: Clock
) -> None:
    one = entry("a", free=TEN)
    use(ledger, one)
    said_at, resets_at = NOON - timedelta(minutes=3), NOON + timedelta(hours=3)
    says(ledger, one, "4", as_of=said_at, resets_at=resets_at)
    found = left(ledger, one)
    assert (found.left, found.as_of, found.resets_at) == (4, said_at, resets_at)
    for counted in (3, 2, 1, 0):
        clock.now += timedelta(minutes=1)
        use(ledger, one)
        found = left(ledger, one)
        assert (found.left, found.as_of) == (counted, said_at)
    assert str(begin(ledger, one)) == "included credit is spent until 2026-03-14 15:00 UTC"
    says(ledger, one, "7")
    assert left(ledger, one).left == 7
    assert left(ledger, one, THEIRS).left == 10  # of another account it said nothing


def test_a_service_knows_also_of_what_we_cannot_count(ledger: Ledger) -> None:
    one = entry("a", free=Free(Decimal(120), "gpu_seconds", "day", "stops"))
    says(ledger, one, "60")
    assert (left(ledger, one).left, left(ledger, one).hold) == (60, None)
    says(ledger, one, "0")
    assert str(begin(ledger, one)).startswith("included credit is spent until 2026-03-15")


@pytest.mark.parametrize(
    "more",
    [
        {"as_of": NOON.replace(hour=0) - timedelta(seconds=1)}, {"unit": "credits"},
        {"resets_at": NOON}, {"resets_at": NOON - timedelta(hours=1)},
    ],
    ids=["of yesterday", "in another unit", "reset now", "reset since"],
)  # fmt: skip
def test_a_figure_that_does_not_hold_now_does_not_count(
    ledger: Ledger, more: dict[str, Any]
) -> None:
    one = entry("a", free=TEN)
    use(ledger, one)
    says(ledger, one, "2", **more)
    found = left(ledger, one)
    assert (found.left, found.as_of) == (9, None)
    assert found.resets_at == datetime(2026, 3, 15, tzinfo=timezone.utc)


def test_what_is_left_is_never_negative(ledger: Ledger) -> None:
    dear = entry("a", "0.01", free=Free(Decimal("0.02"), "usd", "day", "stops"))
    use(ledger, dear, "0.05")  # more than its price
    assert left(ledger, dear).left == 0
    says(ledger, dear, "0.01")
    use(ledger, dear, "0.09")
    assert left(ledger, dear).left == 0
    says(ledger, dear, "-3")
    assert left(ledger, dear).left == 0
    shrunk = replace(dear, name="b", free=TEN)
    for _ in range(2):
        use(ledger, shrunk, "0.01")
    assert left(ledger, replace(shrunk, free=replace(TEN, amount=Decimal(1)))).left == 0


def test_a_call_under_way_as_the_service_speaks_counts_as_not_yet_counted_there(
    ledger: Ledger,
) -> None:
    one = entry("a", free=TEN)
    made, failed = begin(ledger, one), begin(ledger, one)
    says(ledger, one, "6")
    assert left(ledger, one).left == 4
    ledger.settle(made, settled_as(made, "succeeded", "0", "no"))
    ledger.settle(failed, settled_as(failed, "unavailable", "0", "no"))
    assert left(ledger, one).left == 5
    lost = begin(ledger, one)
    ledger.settle(lost, settled_as(lost, "unavailable", "0", "no"))
    assert left(ledger, one).left == 5


def test_what_comes_back_late_does_not_add_to_what_the_service_said(ledger: Ledger) -> None:
    """Its cost was unknown when the service spoke, and is corrected afterwards."""
    one = entry("a", "0.01", free=TEN)
    lost = begin(ledger, one)
    ledger.settle(lost, settled_as(lost, "outcome_unknown", None, "maybe"))
    says(ledger, one, "10")
    ledger.settle(lost, settled_as(lost, "unavailable", "0", "no"))
    assert left(ledger, one).left == 10
    with reading(ledger.engine) as connection:
        assert meters.amount(connection, f"allowance a {MINE}", "2026-03-14T00:00") == 0


@pytest.mark.parametrize(("free", "after"), [(TEN, "9"), (CREDIT, "0.98")])
def test_what_somebody_else_has_settled_already_counts_once(
    ledger: Ledger, free: Free, after: str
) -> None:
    one = entry("a", "0.03", free=free)
    opened = begin(ledger, one)
    for _ in range(2):
        ledger.settle(opened, settled_as(opened, "succeeded", "0.02", "yes"))
        assert left(ledger, one).left == Decimal(after)


async def test_of_many_requests_at_once_none_takes_more_than_is_left(
    build: Callable[..., Bench],
) -> None:
    seven = replace(TEN, amount=Decimal(7))
    bench = build(
        (entry("a", free=seven), painted()), (entry("b", "0.01", free=seven), painted("0.01"))
    )
    results = await asyncio.gather(*(bench.make() for _ in range(50)), return_exceptions=True)
    failures = [result for result in results if isinstance(result, NobodyCould)]
    assert (len(results) - len(failures), len(failures)) == (14, 36)
    assert (len(bench.fake["a"].calls), len(bench.fake["b"].calls)) == (7, 7)
    assert all(str(failure).count("included credit is spent") == 2 for failure in failures)
    assert {row["amount"] for row in bench.rows("meters")} == {7 * 10**9}


async def test_a_failure_among_them_leaves_its_share_to_another(
    build: Callable[..., Bench],
) -> None:
    two = replace(TEN, amount=Decimal(2))
    bench = build((entry("a", "0.01", free=two), Unavailable("x"), OutcomeUnknown("y"), painted()))
    for outcome in ("unreachable", "begun"):
        with pytest.raises(NobodyCould, match=outcome):
            await bench.make()
        bench.clock.now += timedelta(minutes=2)
    assert (await bench.make()).receipt.paid_by == "allowance"
    with pytest.raises(NobodyCould, match="credit is spent"):
        await bench.make()


def test_a_plan_of_before_takes_nothing_that_is_spent_since(ledger: Ledger) -> None:
    last = entry("a", "0.01", free=replace(TEN, amount=Decimal(1)))
    opened = begin(ledger, last)
    row: Planned = opened.row
    assert str(ledger.start("1" * 32, row)) == "included credit is spent until 2026-03-15 00:00 UTC"
