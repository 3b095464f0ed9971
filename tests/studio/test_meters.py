"""The budget holds, whatever runs at the same time, and on whichever day."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from studio import meters
from studio.budget import budget_holds, left_today
from studio.config import Budget
from studio.database import open_database, reading
from studio.meters import Hold
from studio.receipt import Attempt
from studio.visitor import Visitor
from tests.studio.conftest import GUEST, OWNER
from tests.studio.fakes import Clock

CENT = Decimal("0.01")
NANO = Decimal("1e-9")
BUDGET = Budget(usd_per_day=37 * CENT, usd_per_visitor_day=2 * CENT)


class Purse:
    """Takes money as the ledger does: in one transaction, which is undone where it is refused."""

    def __init__(self, engine: Engine, clock: Clock, budget: Budget = BUDGET) -> None:
        self._engine, self._clock, self._budget = engine, clock, budget

    def take(self, visitor: Visitor, usd: Decimal) -> list[Hold] | None:
        holds = budget_holds(self._budget, visitor, usd, self._clock())
        with self._engine.begin() as connection:
            if meters.take(connection, holds):
                connection.rollback()
                return None
            return holds

    def settle(self, holds: list[Hold] | None, cost: Decimal | None, billed: str = "yes") -> None:
        assert holds
        attempt = Attempt(
            "a",
            "m",
            "succeeded" if billed == "yes" else "unavailable",
            cost_usd=cost,
            billed=billed,
        )
        with self._engine.begin() as connection:
            meters.correct(connection, holds, attempt)

    def left(self, visitor: Visitor) -> Decimal:
        with reading(self._engine) as connection:
            return left_today(connection, self._budget, visitor, self._clock())


@pytest.fixture
def purse(engine: Engine, clock: Clock) -> Purse:
    return Purse(engine, clock)


def test_what_is_set_aside_is_gone_until_it_is_given_back(purse: Purse) -> None:
    assert purse.left(OWNER) == Decimal("0.37")
    holds = purse.take(OWNER, 5 * CENT)
    assert purse.left(OWNER) == Decimal("0.32")
    purse.settle(holds, 2 * CENT)
    assert purse.left(OWNER) == Decimal("0.35")


@pytest.mark.parametrize(
    ("cost", "billed", "left"),
    [("0", "no", "0.37"), ("0.05", "yes", "0.32"), ("0.06", "yes", "0.31"), ("0.000000001", "yes", "0.369999999"),
     (None, "yes", "0.32"), (None, "maybe", "0.32"), (None, "no", "0.37")],
)  # fmt: skip
def test_a_settled_call_leaves_the_real_cost_and_an_unknown_one_all_that_was_set_aside(
    purse: Purse, cost: str | None, billed: str, left: str
) -> None:
    purse.settle(purse.take(OWNER, 5 * CENT), None if cost is None else Decimal(cost), billed)
    assert purse.left(OWNER) == Decimal(left)


def test_the_last_cent_may_be_spent_and_not_a_nano_dollar_more(purse: Purse) -> None:
    assert not purse.take(OWNER, 37 * CENT + NANO)
    assert purse.take(OWNER, 37 * CENT)
    assert not purse.take(OWNER, NANO)
    assert purse.left(OWNER) == 0


def test_a_hold_that_is_refused_in_one_scope_takes_nothing_in_another(purse: Purse) -> None:
    assert not purse.take(GUEST, 3 * CENT)  # fits the day, not the guest
    assert purse.left(OWNER) == Decimal("0.37")
    assert purse.left(GUEST) == Decimal("0.02")
    taken = purse.take(OWNER, 36 * CENT)
    assert purse.left(GUEST) == CENT
    assert not purse.take(GUEST, 2 * CENT)  # fits the guest, not the day
    purse.settle(taken, Decimal(0))
    assert purse.left(GUEST) == 2 * CENT


def test_the_hold_that_was_refused_is_named(engine: Engine) -> None:
    fits, does_not = Hold("a", "d", CENT, CENT, True), Hold("b", "d", CENT + NANO, CENT, True)
    with engine.begin() as connection:
        assert meters.take(connection, [fits, does_not]) == does_not
        connection.rollback()
    with engine.begin() as connection:
        assert meters.take(connection, [fits, replace(does_not, amount=CENT)]) is None


def test_a_guest_spends_of_both_and_never_more_than_guests_may(purse: Purse) -> None:
    spent = [purse.take(GUEST, CENT) for _ in range(5)]
    assert [bool(holds) for holds in spent] == [True, True, False, False, False]
    assert purse.left(GUEST) == 0
    assert purse.left(OWNER) == Decimal("0.35")
    purse.settle(spent[0], Decimal(0))
    assert (purse.left(GUEST), purse.left(OWNER)) == (CENT, Decimal("0.36"))


def test_a_guest_who_may_spend_nothing_never_spends_the_owners_day(
    engine: Engine, clock: Clock
) -> None:
    purse = Purse(engine, clock, Budget(usd_per_day=Decimal(1)))
    assert purse.left(GUEST) == 0
    assert not purse.take(GUEST, CENT)
    assert purse.left(OWNER) == 1


def test_each_day_has_its_own_money(purse: Purse, clock: Clock) -> None:
    holds = purse.take(OWNER, 37 * CENT)
    clock.now += timedelta(hours=11, minutes=59)
    assert not purse.take(OWNER, CENT)
    clock.now += timedelta(minutes=1)
    assert purse.left(OWNER) == Decimal("0.37")
    assert purse.take(OWNER, CENT)
    purse.settle(holds, Decimal(0))  # yesterday's comes back to yesterday
    assert purse.left(OWNER) == Decimal("0.36")


@pytest.mark.parametrize(
    ("outcome", "billed", "left"),
    [("succeeded", "no", 1), ("succeeded", "yes", 1), ("outcome_unknown", "no", 1),
     ("outcome_unknown", "maybe", 1), ("defect", "maybe", 1), ("unavailable", "no", 0),
     ("refused", "no", 0)],
)  # fmt: skip
def test_a_picture_takes_one_of_an_allowance_of_pictures_also_where_it_costs_no_money(
    engine: Engine, outcome: str, billed: str, left: int
) -> None:
    hold = Hold("allowance", "day", Decimal(1), Decimal(3), in_usd=False)
    attempt = Attempt("a", "m", outcome, cost_usd=Decimal(0), billed=billed)
    with engine.begin() as connection:
        assert meters.take(connection, [hold]) is None
        meters.correct(connection, [hold], attempt)
        assert meters.amount(connection, "allowance", "day") == left


_KNOWN = [
    Attempt("a", "m", "succeeded", cost_usd=Decimal("0.004"), billed="yes"),
    Attempt("a", "m", "succeeded", cost_usd=None, billed="yes"),
    Attempt("a", "m", "succeeded", cost_usd=Decimal(0), billed="no"),
    Attempt("a", "m", "outcome_unknown", cost_usd=None, billed="maybe"),
    Attempt("a", "m", "unavailable", cost_usd=Decimal(0), billed="no"),
]


@pytest.mark.parametrize("in_usd", [True, False])
@pytest.mark.parametrize("after", _KNOWN, ids=lambda a: f"{a.outcome} {a.cost_usd} {a.billed}")
@pytest.mark.parametrize("before", _KNOWN, ids=lambda a: f"{a.outcome} {a.cost_usd} {a.billed}")
def test_a_correction_can_be_corrected_and_leaves_nothing_of_the_first(
    tmp_path_factory: pytest.TempPathFactory, in_usd: bool, before: Attempt, after: Attempt
) -> None:
    engine = _sqlite(tmp_path_factory)
    shown = []
    for number, steps in enumerate([(None, after), (before, after)]):
        hold = Hold("s", str(number), CENT, CENT, in_usd)
        with engine.begin() as connection:
            assert meters.take(connection, [hold]) is None
            if steps[0]:
                meters.correct(connection, [hold], steps[0])
            meters.correct(connection, [hold], steps[1], steps[0])
            shown.append(meters.amount(connection, "s", str(number)))
    assert shown[0] == shown[1]
    engine.dispose()


def _sqlite(folders: pytest.TempPathFactory) -> Engine:
    """Arithmetic is the same everywhere; what the two databases do differently is tested above."""
    return open_database(folders.mktemp("meters"))


def test_holds_come_back_from_their_text_to_the_nano_dollar() -> None:
    holds = [
        Hold("a", "2026-03-14", NANO, 37 * CENT, True),
        Hold("b", "ü", Decimal(1), Decimal(2000), False),
    ]
    assert meters.from_text(meters.as_text(holds)) == holds


def _take(folder: Path, url: str | None, times: int) -> int:
    """How many of so many threads at once could set a cent aside, in a process of their own."""
    engine = open_database(folder, url)
    purse = Purse(engine, Clock())
    with ThreadPoolExecutor(times) as pool:
        got = list(pool.map(lambda _: purse.take(OWNER, CENT), range(times)))
    engine.dispose()
    return sum(map(bool, got))


def test_of_200_at_once_exactly_the_37_get_money_that_there_is_money_for(
    tmp_path: Path, database_url: str | None
) -> None:
    processes, threads = 4, 50
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        several = [pool.submit(_take, tmp_path, database_url, threads) for _ in range(processes)]
        assert sum(one.result() for one in several) == 37
    engine = open_database(tmp_path, database_url)
    assert Purse(engine, Clock()).left(OWNER) == 0
    engine.dispose()
