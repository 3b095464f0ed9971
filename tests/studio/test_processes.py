"""Several processes on one ledger, and processes that are killed or stand still: it adds up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from studio.tables import attempts, pictures
from tests.studio.books import assert_settled, metered, rows
from tests.studio.children import Children, children
from tests.studio.worker import POINTS


@pytest.fixture
def several(tmp_path: Path, database_url: str | None) -> Iterator[Children]:
    with children(tmp_path, database_url) as those:
        yield those


def test_four_processes_of_a_hundred_requests_spend_the_day_to_the_cent_and_not_one_more(
    several: Children,
) -> None:
    busy = [several.start(requests=100, usd_per_day="0.37") for _ in range(4)]
    busy[0].await_lines(1)  # they are at it; who starts now sweeps first
    assert several.run(requests=0) == []
    made = [one for child in busy for one in child.said() if "made" in one]
    found = rows(several.engine, attempts)
    assert [(row.outcome, row.cost_usd) for row in found] == [("succeeded", Decimal("0.01"))] * 37
    assert len(rows(several.engine, pictures)) == 37
    assert len(made) == 37
    assert list(metered(several.engine).values()) == [Decimal("0.37")]
    assert list((several.folder / "pictures" / "unfinished").iterdir()) == []
    assert_settled(several.engine, several.folder)


@pytest.mark.parametrize("point", [point for point in POINTS if point != "looking"])
def test_a_process_killed_at_any_point_leaves_nothing_that_does_not_add_up(
    several: Children, point: str
) -> None:
    busy = several.start(requests=200, usd_per_day="100", dies=(point, 9))
    busy.wait(100)
    assert busy.returncode == -signal.SIGKILL
    under_way = [row.id for row in rows(several.engine, attempts) if row.outcome == "started"]
    arrived = [*(several.folder / "pictures" / "unfinished").glob("*.note")]
    before = len(rows(several.engine, pictures))
    assert several.sweep_a_lease_later() == len(under_way)
    assert_settled(several.engine, several.folder)
    kept = len(rows(several.engine, pictures)) - before
    if point == "the ledger's row":
        assert kept > 0
    assert kept <= len(arrived)
    several.gallery.tidy(time.time() + 1)
    assert list((several.folder / "pictures" / "unfinished").iterdir()) == []
    assert_settled(several.engine, several.folder)


def test_a_process_killed_again_and_again_goes_on_each_time(several: Children) -> None:
    chance = Random(31)
    for _ in range(3):
        busy = several.start(requests=200, usd_per_day="100")
        busy.await_lines(chance.randrange(1, 100))
        busy.kill()
        busy.wait()
    assert len(several.run(requests=20, usd_per_day="100")) == 20
    several.sweep_a_lease_later()
    assert_settled(several.engine, several.folder)


@pytest.mark.parametrize(
    ("point", "time", "swept"),
    [("asking", 1, 1), ("half a picture", 1, 1), ("renaming", 1, 1), ("renaming", 2, 1),
     ("renaming", 3, 1), ("the ledger's row", 1, 1), ("tidying up", 1, 0)],
)  # fmt: skip
def test_a_process_that_stood_still_for_longer_than_a_lease_loses_no_picture(
    several: Children, point: str, time: int, swept: int
) -> None:
    slow = several.start(usd_per_day="0.37", halts=(point, time))
    slow.await_halt()
    assert several.sweep_a_lease_later() == swept
    (one,) = slow.go_on()
    assert "made" in one
    (row,) = rows(several.engine, attempts)
    assert (row.outcome, row.cost_usd, row.billed) == ("succeeded", Decimal("0.01"), "yes")
    assert_settled(several.engine, several.folder)
    assert list((several.folder / "pictures" / "unfinished").iterdir()) == []
