"""The budget holds, whatever runs at the same time, and on whichever day."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from studio.budget import Purse
from studio.config import Budget
from studio.database import open_database
from tests.studio.conftest import GUEST, OWNER
from tests.studio.fakes import Clock

CENT = Decimal("0.01")
BUDGET = Budget(usd_per_day=37 * CENT, usd_per_visitor_day=2 * CENT)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def purse(engine: Engine, clock: Clock) -> Purse:
    return Purse(engine, BUDGET, clock)


def test_what_is_set_aside_is_gone_until_it_is_given_back(purse: Purse) -> None:
    assert purse.left_today(OWNER) == Decimal("0.37")
    reservation = purse.reserve(OWNER, 5 * CENT)
    assert reservation
    assert purse.left_today(OWNER) == Decimal("0.32")
    purse.settle(reservation, 2 * CENT)
    assert purse.left_today(OWNER) == Decimal("0.35")


@pytest.mark.parametrize(
    ("cost", "left"),
    [("0", "0.37"), ("0.05", "0.32"), ("0.06", "0.31"), (None, "0.32"), ("0.000000001", "0.369999999")],
)  # fmt: skip
def test_a_settled_reservation_leaves_the_real_cost_and_an_unknown_one_all_of_it(
    purse: Purse, cost: str | None, left: str
) -> None:
    reservation = purse.reserve(OWNER, 5 * CENT)
    assert reservation
    purse.settle(reservation, None if cost is None else Decimal(cost))
    assert purse.left_today(OWNER) == Decimal(left)


def test_the_last_cent_may_be_spent_and_not_a_nano_dollar_more(purse: Purse) -> None:
    nano = Decimal("1e-9")
    assert not purse.reserve(OWNER, 37 * CENT + nano)
    assert purse.reserve(OWNER, 37 * CENT)
    assert not purse.reserve(OWNER, nano)
    assert purse.left_today(OWNER) == 0


def test_a_reservation_that_fails_in_one_scope_takes_nothing_in_another(purse: Purse) -> None:
    assert not purse.reserve(GUEST, 3 * CENT)  # fits the day, not the guest
    assert purse.left_today(OWNER) == Decimal("0.37")
    assert purse.left_today(GUEST) == Decimal("0.02")
    taken = purse.reserve(OWNER, 36 * CENT)
    assert taken
    assert purse.left_today(GUEST) == CENT
    assert not purse.reserve(GUEST, 2 * CENT)  # fits the guest, not the day
    purse.settle(taken, Decimal(0))
    assert purse.left_today(GUEST) == 2 * CENT


def test_a_guest_spends_of_both_and_never_more_than_guests_may(purse: Purse) -> None:
    spent = [purse.reserve(GUEST, CENT) for _ in range(5)]
    assert [bool(reservation) for reservation in spent] == [True, True, False, False, False]
    assert purse.left_today(GUEST) == 0
    assert purse.left_today(OWNER) == Decimal("0.35")
    assert spent[0]
    purse.settle(spent[0], Decimal(0))
    assert (purse.left_today(GUEST), purse.left_today(OWNER)) == (CENT, Decimal("0.36"))


def test_a_guest_who_may_spend_nothing_never_spends_the_owners_day(engine: Engine) -> None:
    purse = Purse(engine, Budget(usd_per_day=Decimal(1)), Clock())
    assert purse.left_today(GUEST) == 0
    assert not purse.reserve(GUEST, CENT)
    assert purse.left_today(OWNER) == 1


def test_each_day_has_its_own_money(purse: Purse, clock: Clock) -> None:
    reservation = purse.reserve(OWNER, 37 * CENT)
    assert reservation
    clock.now += timedelta(hours=11, minutes=59)
    assert not purse.reserve(OWNER, CENT)
    clock.now += timedelta(minutes=1)
    assert purse.left_today(OWNER) == Decimal("0.37")
    assert purse.reserve(OWNER, CENT)
    purse.settle(reservation, Decimal(0))  # yesterday's comes back to yesterday
    assert purse.left_today(OWNER) == Decimal("0.36")


def _reserve(folder: Path, times: int) -> int:
    """How many of so many threads at once could reserve a cent, in a process of their own."""
    engine = open_database(folder)
    purse = Purse(engine, BUDGET, Clock())
    with ThreadPoolExecutor(times) as pool:
        got = list(pool.map(lambda _: purse.reserve(OWNER, CENT), range(times)))
    engine.dispose()
    return sum(map(bool, got))


def test_of_200_at_once_exactly_the_37_get_money_that_there_is_money_for(tmp_path: Path) -> None:
    processes, threads = 4, 50
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        got = list(pool.map(_reserve, [tmp_path] * processes, [threads] * processes))
    assert sum(got) == 37
    engine = open_database(tmp_path)
    assert Purse(engine, BUDGET, Clock()).left_today(OWNER) == 0
    engine.dispose()
