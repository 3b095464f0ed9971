"""Statistics: rates with their intervals, seconds, money by day, and a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert

from studio.costs import HEADERS, cost_rows
from studio.offer import Planned
from studio.receipt import Attempt
from studio.rollups import NEWEST, Figures, figures, roll_up
from studio.statistics import (
    Reliability,
    Spend,
    as_csv,
    pictures_by_provider,
    reliability,
    spending,
    wilson,
)
from studio.tables import attempts
from tests.studio.fakes import NOON, entry


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def settle(
    connection: Connection,
    provider: str,
    outcome: str = "succeeded",
    seconds: float = 1.0,
    cost: str | None = "0",
    at: datetime = NOON,
    model: str = "m",
) -> None:
    """An attempt as the ledger leaves it."""
    usd = None if cost is None else Decimal(cost)
    billed = "no" if cost == "0" else "yes" if outcome == "succeeded" else "maybe"
    attempt = Attempt(provider, model, outcome, seconds=seconds, cost_usd=usd, billed=billed)
    connection.execute(
        insert(attempts).values(
            request_id="r", provider=provider, model=model, account="anonymous", started_at=at,
            outcome=outcome, reason="", seconds=seconds, cost_usd=usd, billed=billed,
            paid_by="free", process="p", holds="[]", fault="",
        )
    )  # fmt: skip
    roll_up(connection, at, attempt)


# R. G. Newcombe, Statist. Med. 17 (1998) 857, table I: method 3.
PUBLISHED = [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]  # fmt: skip


@pytest.mark.parametrize(("successes", "n", "low", "high"), PUBLISHED)
def test_the_interval_of_a_rate_is_the_published_one(
    successes: int, n: int, low: float, high: float
) -> None:
    assert [round(bound, 4) for bound in wilson(successes, n)] == [low, high]
    mirrored = wilson(n - successes, n)
    assert [round(1 - bound, 4) for bound in reversed(mirrored)] == [low, high]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 1000, 10**9])
def test_an_interval_stays_between_none_and_all(n: int) -> None:
    assert wilson(0, n)[0] == 0
    assert wilson(n, n)[1] == pytest.approx(1)
    for successes in {0, n // 3, n // 2, n}:
        low, high = wilson(successes, n)
        assert 0 <= low <= successes / n <= high + 1e-12
        assert high <= 1


def test_how_a_provider_does_is_told_over_all_its_models(connection: Connection) -> None:
    for seconds in (1.0, 4.0):
        settle(connection, "b", seconds=seconds)
    settle(connection, "b", seconds=2.5, model="n", at=NOON - timedelta(days=900))
    settle(connection, "b", "rate_limited", seconds=90)
    settle(connection, "b", "unavailable", model="n")
    settle(connection, "b", "unavailable", model="n", at=NOON - timedelta(days=1))
    settle(connection, "a", "refused")
    a, b = reliability(connection)
    assert a == Reliability("a", 1, 0, {"refused": 1}, None, None)
    assert (a.rate, b.rate) == (0, 0.5)
    assert b == Reliability("b", 6, 3, {"rate_limited": 1, "unavailable": 2}, 2.5, 4.0)
    assert b.between == wilson(3, 6)
    assert pictures_by_provider(connection) == {"b": 3}


def test_without_a_call_there_is_nothing_to_tell(connection: Connection) -> None:
    assert (reliability(connection), pictures_by_provider(connection)) == ([], {})
    never = Reliability("a", 0, 0, {}, None, None)
    assert (never.rate, never.between) == (None, None)


def test_what_is_taken_back_is_no_failure_any_more(connection: Connection) -> None:
    settle(connection, "a", "outcome_unknown", cost=None)
    swept = Attempt("a", "m", "outcome_unknown", billed="maybe")
    roll_up(connection, NOON, swept, times=-1)
    settle(connection, "a", seconds=3)
    (found,) = reliability(connection)
    assert (found.attempts, found.failures, found.median_seconds) == (1, {}, 3)
    assert spending(connection, NOON.date(), 1) == [Spend(NOON.date())]


def test_the_one_with_the_most_pictures_comes_first(connection: Connection) -> None:
    for name in ("few", "many", "also", "many"):
        settle(connection, name)
    settle(connection, "never", "defect")
    assert list(pictures_by_provider(connection).items()) == [("many", 2), ("also", 1), ("few", 1)]


@pytest.mark.parametrize(
    ("count", "median", "p95"),
    [(1, 1, 1), (2, 1.5, 2), (19, 10, 19), (20, 10.5, 19), (100, 50.5, 95), (200, 100.5, 190)],
)
def test_one_in_twenty_takes_longer_than_the_95th_percentile(
    connection: Connection, count: int, median: float, p95: float
) -> None:
    for seconds in range(count, 0, -1):
        settle(connection, "a", seconds=seconds)
    (found,) = reliability(connection)
    assert (found.median_seconds, found.p95_seconds) == (median, p95)


def test_seconds_are_those_of_the_newest_pictures_whatever_their_model(
    connection: Connection,
) -> None:
    for _ in range(5):
        settle(connection, "a", seconds=99, model="old")
    for number in range(NEWEST - 1):
        settle(connection, "a", seconds=2 + number % 2, model=f"m{number % 2}")
    (found,) = reliability(connection)  # 100 times 2, 99 times 3, and one of the old
    assert (found.median_seconds, found.p95_seconds) == (2.5, 3)
    for _ in range(NEWEST):
        settle(connection, "a", seconds=1, model="m0")
    (found,) = reliability(connection)
    assert (found.median_seconds, found.p95_seconds) == (1, 1)


def test_the_cost_table_has_the_seconds_and_counts_of_the_statistics(
    connection: Connection,
) -> None:
    for seconds in (1.0, 2.0, 9.0):
        settle(connection, "a", seconds=seconds, cost="0.01")
    settle(connection, "a", "defect", cost=None)
    (found,) = reliability(connection)
    known = figures(connection)
    assert known == {("a", "m"): Figures(4, 3, 2.0, Decimal("0.03"), 1)}
    one = entry("a")
    (row,) = cost_rows([Planned(one, one.models[0], "ready", "free", "anonymous")], known)
    shown = dict(zip(HEADERS, row, strict=True))
    assert (shown["pictures"], shown["successes"], shown["median_seconds"]) == (
        found.attempts,
        found.successes,
        found.median_seconds,
    )


def test_what_a_day_cost_is_what_is_known_and_how_many_nobody_knows(
    connection: Connection,
) -> None:
    today, midnight = NOON.date(), NOON.replace(hour=0)
    settle(connection, "a", cost="0.003")
    settle(connection, "b", cost="0.04", at=midnight)
    settle(connection, "b", cost=None)
    settle(connection, "b", "outcome_unknown", cost=None)
    settle(connection, "a", "unavailable")
    settle(connection, "a", cost="0.5", at=midnight - timedelta(seconds=1))
    settle(connection, "a", cost="9", at=midnight - timedelta(days=3))
    settle(connection, "a", cost="7", at=midnight + timedelta(days=1))
    assert spending(connection, today, 3) == [
        Spend(date(2026, 3, 12)),
        Spend(date(2026, 3, 13), Decimal("0.5")),
        Spend(date(2026, 3, 14), Decimal("0.043"), 2),
    ]
    assert next(spend.known_usd for spend in spending(connection, today, 4)) == 9


def test_statistics_read_no_attempts_but_the_newest(connection: Connection, engine: Engine) -> None:
    for provider in ("a", "b"):
        for _ in range(3):
            settle(connection, provider, cost="0.01")
    read: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *told: read.append(told[2]))
    reliability(connection)
    pictures_by_provider(connection)
    spending(connection, NOON.date(), 30)
    of_attempts = [statement for statement in read if "FROM attempts" in statement]
    assert len(read) == 3 + len(of_attempts)
    assert len(of_attempts) == 2
    assert all("LIMIT" in statement for statement in of_attempts)


DANGEROUS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM", " =1",
    "\u3000=1", "\u00a0=1", "=cmd|' /C calc'!A0", "-", "\tx", "\rx", "\nx",
]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_nothing_in_a_cell_is_taken_for_a_formula(text: str) -> None:
    assert read_back(as_csv(["h"], [[text]])) == [["h"], ["'" + text]]
    assert read_back(as_csv([text], [])) == [["'" + text]]


@pytest.mark.parametrize(
    "text", ["智谱", 'a "fox", red', "a\nb", "1-2", "a=b", "'x", "", "a@b", "0.5 usd", "3 + 1"]
)
def test_any_other_text_comes_back_as_it_was(text: str) -> None:
    assert read_back(as_csv(["h", "i"], [[text, "x"]])) == [["h", "i"], [text, "x"]]


@pytest.mark.parametrize(
    ("number", "written"),
    [(-5, "-5"), (0, "0"), (-0.25, "-0.25"), (1e-7, "1e-07"), (Decimal("-0.000000001"), "-0.000000001"),
     (Decimal("1E+3"), "1000"), (None, ""), (True, "True"), (date(2026, 3, 14), "2026-03-14")],
)  # fmt: skip
def test_numbers_stay_numbers(number: Any, written: str) -> None:
    assert as_csv(["n", "x"], [[number, 1]]) == f"\ufeffn,x\r\n{written},1\r\n"


def test_a_quote_a_comma_and_a_new_line_are_quoted_as_rfc_4180_says() -> None:
    table = as_csv(["a", "b"], [['say "hi"', "x,y"], ["two\nlines", None]])
    assert table == '\ufeffa,b\r\n"say ""hi""","x,y"\r\n"two\nlines",\r\n'
    assert table.encode()[:3] == b"\xef\xbb\xbf"


def read_back(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.removeprefix("\ufeff"), newline="")))
