"""Leases: what runs keeps its own, and what does not is settled by whoever comes by."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from providers.base import Unavailable
from studio import heartbeat
from studio.config import Budget, Keep
from studio.gallery import Gallery
from studio.heartbeat import Heartbeat
from studio.leases import GONE, renew, sweep
from studio.ledger import LEASE, Ledger, Opened
from studio.receipt import Attempt, NobodyCould
from studio.request import Request
from studio.studio import Studio
from studio.tables import attempts, requests
from tests.studio.books import assert_settled, metered, rows
from tests.studio.conftest import Bench
from tests.studio.fakes import Clock, entry, painted
from tests.studio.test_ledger import PAID, start

LATER = LEASE + timedelta(seconds=1)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "pictures")


def begin(ledger: Ledger, request: str = "r") -> Opened:
    """A request and its attempt, that this process runs."""
    ledger.begin_request(request, "owner", Request("a fox"), 1)
    ledger.requests.add(request)
    ledger.calls.add(request)
    return start(ledger, request=request)


def outcomes(engine: Engine) -> list[str]:
    return [row.outcome for row in sorted(rows(engine, attempts), key=lambda row: row.id)]


def eventually(is_so: Callable[[], Any]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_a_process_left_is_settled_as_unknown_once_its_lease_is_over_and_not_before(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, tmp_path: Path
) -> None:
    begin(ledger)
    other = Ledger(engine, clock)
    clock.now += LEASE
    assert sweep(other, gallery) == 0
    assert outcomes(engine) == ["started"]
    clock.now += timedelta(microseconds=1)
    assert sweep(other, gallery) == 1
    (row,) = rows(engine, attempts)
    assert (row.outcome, row.reason, row.billed, row.cost_usd) == (
        "outcome_unknown", GONE, "maybe", None,
    )  # fmt: skip
    (asked,) = rows(engine, requests)
    assert asked.ended_at == clock.now
    assert GONE in asked.trail
    assert list(metered(engine).values()) == [Decimal("0.01")]  # it may have been billed
    assert_settled(engine, tmp_path)
    assert sweep(other, gallery) == 0


def test_of_two_that_sweep_at_once_one_settles_each_attempt(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(8):
        begin(ledger, f"r{number}")
    clock.now += LATER
    with ThreadPoolExecutor(4) as pool:
        settled = list(pool.map(lambda _: sweep(Ledger(engine, clock), gallery), range(4)))
    assert sum(settled) == 8
    assert_settled(engine, tmp_path)


def test_what_a_process_runs_keeps_its_lease_and_what_it_only_began_does_not(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery
) -> None:
    """It may have been unable to settle something: then nobody waits for that for ever."""
    begin(ledger, "runs")
    begin(ledger, "lost")
    ledger.calls.remove("lost")
    ledger.requests.remove("lost")
    clock.now += timedelta(seconds=10)
    renew(ledger)
    clock.now += timedelta(seconds=10)
    assert sweep(Ledger(engine, clock), gallery) == 1
    assert outcomes(engine) == ["started", "outcome_unknown"]
    assert {row.id: row.ended_at for row in rows(engine, requests)} == {
        "runs": None, "lost": clock.now,
    }  # fmt: skip


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "RENEWED_EVERY", 0.02)


@pytest.mark.usefixtures("quick_beats")
async def test_a_lease_is_renewed_while_the_event_loop_is_blocked_for_longer_than_a_lease(
    build: Callable[..., Bench], gallery: Gallery
) -> None:
    bench: Bench

    async def block() -> Any:
        engine, clock = bench.studio._engine, bench.clock
        for _ in range(4):  # nothing is awaited in here: the loop stands still
            clock.now += LEASE * 0.7
            until = clock.now + LEASE
            for table in (attempts, requests):
                eventually(
                    lambda table=table, until=until: rows(engine, table)[0].lease_until == until
                )
            assert sweep(Ledger(engine, clock), gallery) == 0
        return painted()

    bench = build((entry("a"), block))
    made = await bench.make()
    assert [attempt.outcome for attempt in made.receipt.attempts] == ["succeeded"]


@pytest.mark.usefixtures("quick_beats")
def test_a_heartbeat_goes_on_whatever_goes_wrong_with_one(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    troubles: list[Exception] = [
        OperationalError("BEGIN", {}, Exception("locked")), TimeoutError("pool"), RuntimeError("?"),
    ]  # fmt: skip
    beats: list[int] = []

    def fails(_ledger: Ledger) -> None:
        beats.append(1)
        if troubles:
            raise troubles.pop()

    monkeypatch.setattr(heartbeat, "renew", fails)
    begin(ledger)
    clock.now += LATER
    heart = Heartbeat(ledger, gallery, Keep())
    with caplog.at_level(logging.WARNING):
        heart.start()
        eventually(lambda: len(beats) > 4)
        heart.stop()
    assert not troubles
    assert outcomes(engine) == ["outcome_unknown"]  # the sweep did its part all the same
    assert len([one for one in caplog.records if "looked after" in one.message]) == 3


@pytest.mark.usefixtures("quick_beats")
async def test_what_could_not_be_settled_is_settled_a_lease_later_by_the_same_process(
    build: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database or disk is full"))

    bench = build((entry("a", "0.01"), Unavailable("no")), budget=Budget(usd_per_day=Decimal(1)))
    engine = bench.studio._engine
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "settle", full)
        with pytest.raises(OperationalError):
            await bench.make()
    assert outcomes(engine) == ["started"]
    bench.clock.now += LATER
    await asyncio.to_thread(eventually, lambda: outcomes(engine) == ["outcome_unknown"])
    await asyncio.to_thread(eventually, lambda: rows(engine, requests)[0].ended_at)


async def test_the_first_request_starts_the_heartbeat_and_closing_ends_it(
    build: Callable[..., Bench],
) -> None:
    bench = build((entry("a"), Unavailable("no")))
    with pytest.raises(NobodyCould):
        await bench.make()
    heart: Studio = bench.studio
    thread = heart._heartbeat._thread
    assert thread
    assert thread.is_alive()
    await bench.studio.aclose()
    assert not thread.is_alive()


def test_what_is_half_written_stays_for_a_day_and_then_goes(
    gallery: Gallery, tmp_path: Path
) -> None:
    import os

    old, new = (tmp_path / "pictures" / "unfinished" / name for name in ("r.picture", "s.picture"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90000,) * 2)
    gallery.tidy(time.time() - 86400)
    assert not old.exists()
    assert new.exists()


@pytest.mark.usefixtures("quick_beats")
def test_the_heartbeat_tidies_up(ledger: Ledger, gallery: Gallery, tmp_path: Path) -> None:
    import os

    old = tmp_path / "pictures" / "unfinished" / "r.picture"
    old.write_bytes(b"half")
    os.utime(old, (time.time() - 90000,) * 2)
    heart = Heartbeat(ledger, gallery, Keep())
    heart.start()
    eventually(lambda: not old.exists())
    heart.stop()


def test_a_note_without_its_picture_says_nothing(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, tmp_path: Path
) -> None:
    begin(ledger)
    (tmp_path / "pictures" / "unfinished" / "r.note").write_text("{}{")
    clock.now += LATER
    assert sweep(ledger, gallery) == 1
    assert outcomes(engine) == ["outcome_unknown"]


def test_attempts_that_others_settle_meanwhile_are_theirs(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, tmp_path: Path
) -> None:
    opened = begin(ledger)
    ledger.settle(opened, Attempt("a", "m", "refused", cost_usd=Decimal(0)))
    ledger.end_request("r", [])
    clock.now += LATER
    assert sweep(ledger, gallery) == 0
    assert outcomes(engine) == ["refused"]
    assert_settled(engine, tmp_path)


def test_the_offer_that_was_asked_is_not_blamed_for_a_process_that_was_killed(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery
) -> None:
    for number in range(6):
        begin(ledger, f"r{number}")
    clock.now += LATER
    assert sweep(ledger, gallery) == 6
    from studio.tables import rests

    assert rows(engine, rests) == []
    assert {row.fault for row in rows(engine, attempts)} == {"ours"}
    assert PAID.entry.name == "a"
