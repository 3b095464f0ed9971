"""The ledger: what was asked and what came of it, in a database that is made and kept up."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, Numeric, cast, insert, select

from studio.database import open_database
from studio.ledger import Figures, Ledger, Usage
from studio.receipt import Attempt
from studio.request import Request
from studio.tables import attempts, metadata, spending
from tests.studio.fakes import NOON, Clock


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, clock: Clock) -> Ledger:
    return Ledger(engine, clock)


def attempt(
    ledger: Ledger, outcome: str, seconds: float = 1, cost: str | None = "0", billed: str = "no",
    provider: str = "a", account: str = "anonymous", paid_by: str = "free",
) -> None:  # fmt: skip
    number = ledger.start_attempt("r", provider, "m", account, paid_by)
    usd = None if cost is None else Decimal(cost)
    ledger.settle_attempt(number, Attempt(provider, "m", outcome, "", seconds, usd, billed))


def test_an_attempt_is_started_and_then_settled_each_by_its_number(
    ledger: Ledger, engine: Engine
) -> None:
    first = ledger.start_attempt("r", "a", "m", "acc", "budget")
    second = ledger.start_attempt("r", "b", "m", "acc", "free")
    late = NOON + timedelta(hours=1)
    ledger.settle_attempt(
        second, Attempt("b", "m", "rate_limited", "wait", 2.5, Decimal(0), "no", late)
    )
    with engine.connect() as connection:
        rows = connection.execute(select(attempts).order_by(attempts.c.id)).all()
    assert [row.id for row in rows] == [first, second]
    assert [(row.outcome, row.billed, row.cost_usd, row.retry_at) for row in rows] == [
        ("started", "maybe", None, None), ("rate_limited", "no", 0, late),
    ]  # fmt: skip
    assert [row.started_at for row in rows] == [NOON, NOON]


def test_figures_count_pictures_successes_time_and_money(ledger: Ledger) -> None:
    attempt(ledger, "succeeded", 3, "0.003", "yes")
    attempt(ledger, "succeeded", 1, "0.003", "yes")
    attempt(ledger, "unavailable", 99)
    attempt(ledger, "succeeded", 2, None, "yes")
    attempt(ledger, "outcome_unknown", 90, None, "maybe")
    attempt(ledger, "succeeded", 5, provider="b")
    attempt(ledger, "refused", provider="c")
    assert ledger.figures() == {
        ("a", "m"): Figures(5, 3, 2.0, Decimal("0.006"), 2),
        ("b", "m"): Figures(1, 1, 5.0, Decimal(0), 0),
        ("c", "m"): Figures(1, 0, None, Decimal(0), 0),
    }


def test_the_median_is_that_of_the_newest_200_successes(ledger: Ledger, clock: Clock) -> None:
    for seconds in [100.0] * 100 + [1.0] * 100 + [3.0] * 100:
        attempt(ledger, "succeeded", seconds)
        clock.now += timedelta(seconds=1)
    assert ledger.figures()["a", "m"].median_seconds == 2.0


def test_use_of_an_allowance_is_what_may_have_been_billed_to_it_since(
    ledger: Ledger, clock: Clock
) -> None:
    attempt(ledger, "succeeded", 1, "0.5", "yes", paid_by="allowance")
    clock.now += timedelta(hours=1)
    since = clock.now
    attempt(ledger, "succeeded", 1, "0.003", "yes", paid_by="allowance")
    attempt(ledger, "outcome_unknown", 1, None, "maybe", paid_by="allowance")
    attempt(ledger, "unavailable", paid_by="allowance")
    attempt(ledger, "succeeded", 1, "0.003", "yes", paid_by="budget")
    attempt(ledger, "succeeded", 1, "0.003", "yes", paid_by="allowance", account="other")
    attempt(ledger, "succeeded", 1, "0.003", "yes", paid_by="allowance", provider="b")
    ledger.start_attempt("r", "a", "m", "anonymous", "allowance")  # under way counts too
    assert ledger.used("a", "anonymous", since) == Usage(3, Decimal("0.003"), 2)
    assert ledger.used("a", "nobody", since) == Usage()


def test_money_is_exact_to_the_nano_dollar(ledger: Ledger, engine: Engine) -> None:
    for _ in range(10):
        attempt(ledger, "succeeded", 1, "0.1", "yes")
    attempt(ledger, "succeeded", 1, "0.000000001", "yes")
    attempt(ledger, "succeeded", 1, "12345678.123456789", "yes")
    assert ledger.figures()["a", "m"].spent_usd == Decimal("12345679.12345679")
    with engine.begin() as connection:
        connection.execute(insert(spending).values(scope="s", day="d", usd=Decimal("0.003")))
        stored = connection.execute(select(cast(spending.c.usd, Numeric))).scalar_one()
    assert stored == 3_000_000


def test_a_request_is_written_as_it_was_understood(ledger: Ledger, engine: Engine) -> None:
    ledger.record_request("r", "owner", Request("狐狸 🦊", seed=None, steps=4), 2**32 - 1)
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM requests").mappings().one()
    assert (row["prompt"], row["seed"], row["steps"], row["guidance"]) == (
        "狐狸 🦊", 2**32 - 1, 4, None,
    )  # fmt: skip
    assert (row["visitor"], row["asked_at"]) == ("owner", "2026-03-14 12:00:00.000000")


def test_a_fresh_database_has_exactly_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_comparison_with_the_tables_would_see_a_difference(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX attempts_by_provider")
        connection.exec_driver_sql("ALTER TABLE spending ADD COLUMN more TEXT")
        context = MigrationContext.configure(connection)
        assert len(compare_metadata(context, metadata)) == 2


@pytest.mark.parametrize("name", ["data", "a b", "50%", "%41", "what?x=1", "#1", "数据"])
def test_a_database_can_be_opened_again_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "new" / name
    for pictures in (1, 2):
        engine = open_database(folder)
        ledger = Ledger(engine, Clock())
        attempt(ledger, "succeeded")
        assert ledger.figures()["a", "m"].pictures == pictures
        engine.dispose()
    assert (folder / "ledger.db").is_file()


def _open_at_once(folder: Path, rounds: int, start: Any, faults: Any) -> None:
    for number in range(rounds):
        start.wait(30)
        try:
            open_database(folder / str(number)).dispose()
        except Exception as error:
            faults.put(repr(error))


def test_processes_that_open_a_new_database_at_once_do_not_disturb_each_other(
    tmp_path: Path,
) -> None:
    context, rounds = multiprocessing.get_context("spawn"), 20
    start, faults = context.Barrier(4), context.SimpleQueue()
    several = [
        context.Process(target=_open_at_once, args=(tmp_path, rounds, start, faults))
        for _ in range(4)
    ]
    for process in several:
        process.start()
    for process in several:
        process.join()
    assert [process.exitcode for process in several] == [0] * 4
    assert faults.empty(), faults.get()
    for number in range(rounds):
        engine = open_database(tmp_path / str(number))
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        engine.dispose()
