"""Stop, at any moment: nobody waits, nothing is left open, and what is paid for is kept."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from providers.base import NotConfigured, Picture
from studio.config import Budget
from studio.gallery import Gallery
from studio.ledger import Ledger
from tests.canned import picture
from tests.studio import fakes
from tests.studio.conftest import OWNER, Bench
from tests.studio.fakes import entry, hang, painted

Build = Callable[..., Bench]
RICH = Budget(Decimal("0.05"), Decimal(1), Decimal("0.10"))


@pytest.fixture(autouse=True)
def posted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that cannot take back what it has sent, for the fixtures to find."""
    traits = fakes.Traits(needs_key=False, stoppable=False)
    monkeypatch.setitem(fakes.ADAPTERS, "posted", traits)


@pytest.fixture
def build(posted: None, build: Build, adapters: Any, monkeypatch: pytest.MonkeyPatch) -> Build:
    module = fakes.adapter(fakes.ADAPTERS["posted"], adapters)
    monkeypatch.setitem(__import__("sys").modules, "providers.posted", module)
    return build


class Gate:
    """A call that goes on until it is let through; it tells when it was begun and cancelled."""

    def __init__(self, made: Picture) -> None:
        self.begun, self.open, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._made = made

    async def __call__(self) -> Picture:
        self.begun.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self._made


async def stopped(task: asyncio.Future[Any]) -> None:
    """Stop, and see that the wait ends at once, however often it is asked for."""
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=3)
    assert done, "it is still waited for"
    assert task.cancelled()
    task.cancel()


async def settled(bench: Bench, begun: int = 1) -> None:
    """Wait until so many attempts have begun and none is under way any more."""
    ends = time.monotonic() + 5
    while len(rows := bench.rows("attempts")) < begun or any(
        row["outcome"] == "started" for row in rows
    ):
        assert time.monotonic() < ends, "an attempt stays open"
        await asyncio.sleep(0.01)


def nothing_is_open(bench: Bench) -> None:
    """What the last thread still writes down is waited for."""
    ends = time.monotonic() + 5
    while still := list(_open_things(bench)):
        assert time.monotonic() < ends, still
        time.sleep(0.02)


def _open_things(bench: Bench) -> Iterator[Any]:
    yield from (row for row in bench.rows("requests") if not row["ended_at"])
    yield from (row for row in bench.rows("attempts") if row["outcome"] == "started")
    yield from (bench.studio.folder / "pictures" / "unfinished").glob("*")


async def test_what_can_be_taken_back_is(build: Build) -> None:
    gate = Gate(painted("0.01"))
    bench = build(
        (entry("a", "0.01"), gate), (entry("b"), painted()), budget=RICH, free_first=False
    )
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    await stopped(task)
    assert gate.cancelled.is_set()
    await settled(bench)
    nothing_is_open(bench)
    assert bench.asked() == ["a"]


async def test_what_is_free_is_given_up_though_it_cannot_be_taken_back(build: Build) -> None:
    gate = Gate(painted())
    bench = build((entry("a", adapter="posted"), gate))
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    await stopped(task)
    assert gate.cancelled.is_set()
    await settled(bench)
    nothing_is_open(bench)


async def test_a_paid_picture_that_cannot_be_taken_back_is_kept_when_it_comes(
    build: Build,
) -> None:
    gate = Gate(painted("0.01"))
    bench = build((entry("a", "0.01", adapter="posted"), gate), budget=RICH)
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    await stopped(task)
    assert not gate.cancelled.is_set()
    assert bench.studio.left_today(OWNER) == Decimal("0.99")  # set aside
    gate.open.set()
    await settled(bench)
    (request,), (attempt,) = bench.rows("requests"), bench.rows("attempts")
    receipt = json.loads(request["receipt"])
    assert (receipt["sha256"], receipt["cost_usd"]) == (request["sha256"], 0.01)
    assert receipt["attempts"][0]["outcome"] == "succeeded"
    found = bench.studio.gallery.find(request["sha256"])
    assert found is not None
    assert found[0].read_bytes() == picture("png")
    assert (attempt["outcome"], attempt["billed"], attempt["cost_usd"]) == (
        "succeeded", "yes", 10_000_000,
    )  # fmt: skip
    assert bench.studio.left_today(OWNER) == Decimal("0.99")  # and paid for once
    nothing_is_open(bench)


async def test_a_late_call_that_fails_gives_its_money_back(build: Build) -> None:
    gate = Gate(painted())

    async def fail() -> Picture:
        await gate()
        raise NotConfigured("401")

    bench = build((entry("a", "0.01", adapter="posted"), fail), budget=RICH)
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    await stopped(task)
    gate.open.set()
    await settled(bench)
    assert bench.studio.left_today(OWNER) == Decimal(1)
    nothing_is_open(bench)


async def test_a_late_call_still_ends_with_the_time_of_its_entry(build: Build) -> None:
    gate = Gate(painted("0.01"))
    bench = build((entry("a", "0.01", adapter="posted", timeout=0.5), gate), budget=RICH)
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    await stopped(task)
    await settled(bench)
    assert gate.cancelled.is_set()
    (attempt,) = bench.rows("attempts")
    assert (attempt["outcome"], attempt["billed"]) == ("outcome_unknown", "maybe")
    assert bench.studio.left_today(OWNER) == Decimal("0.99")


@pytest.mark.parametrize("stop_first", [True, False], ids=["stopped before", "under way"])
async def test_closing_settles_what_runs_as_unknown(build: Build, stop_first: bool) -> None:
    gate = Gate(painted("0.01"))
    bench = build(
        (entry("a", "0.01", adapter="posted"), gate), (entry("b"), painted()),
        free_first=False, budget=RICH,
    )  # fmt: skip
    task = asyncio.ensure_future(bench.make())
    await gate.begun.wait()
    if stop_first:
        await stopped(task)
    await asyncio.wait_for(bench.studio.aclose(), 4)
    assert gate.cancelled.is_set()
    await asyncio.wait({task}, timeout=3)
    assert task.done()
    (attempt,) = bench.rows("attempts")
    assert (attempt["outcome"], attempt["billed"]) == ("outcome_unknown", "maybe")
    assert bench.studio.left_today(OWNER) == Decimal("0.99")
    assert bench.asked() == ["a"]  # nobody else is asked by a studio that closes
    nothing_is_open(bench)


async def test_a_provider_that_does_not_heed_it_holds_nobody_up(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.calls.GRACE", 0.05)
    begun, enough = asyncio.Event(), asyncio.Event()

    async def stubborn() -> Picture:
        begun.set()
        while not enough.is_set():
            try:
                await enough.wait()
            except asyncio.CancelledError:
                continue
        return painted()

    bench = build((entry("a"), stubborn))
    task = asyncio.ensure_future(bench.make())
    await begun.wait()
    try:
        await stopped(task)
        await settled(bench)
    finally:
        enough.set()
    nothing_is_open(bench)


class Held:
    """Holds a method of the ledger or the gallery up, in its thread, before it does its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.came, self.go = threading.Event(), threading.Event()
        real = getattr(owner, name)

        def held(*args: Any, **more: Any) -> Any:
            self.came.set()
            assert self.go.wait(10)
            return real(*args, **more)

        monkeypatch.setattr(owner, name, held)


@pytest.mark.parametrize("adapter", ["open", "posted"])
@pytest.mark.parametrize(
    ("owner", "moment"),
    [
        (Ledger, "begin_request"), (Ledger, "start"), (Gallery, "keep"), (Ledger, "succeed"),
        (Gallery, "finish"),
    ],
    ids=["being written down", "about to be asked", "being stored", "being settled", "settled"],
)  # fmt: skip
async def test_a_request_that_is_stopped_while_it_is(
    build: Build, monkeypatch: pytest.MonkeyPatch, owner: type, moment: str, adapter: str
) -> None:
    bench = build((entry("a", "0.01", adapter=adapter), painted("0.01")), budget=RICH)
    held = Held(monkeypatch, owner, moment)
    task = asyncio.ensure_future(bench.make())
    await asyncio.to_thread(held.came.wait, 5)
    task.cancel()
    await asyncio.sleep(0.05)
    held.go.set()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert task.cancelled()
    await settled(bench, begun=moment != "begin_request")
    ends = time.monotonic() + 5
    while not all(row["ended_at"] for row in bench.rows("requests")):
        assert time.monotonic() < ends, "the request stays open"
        await asyncio.sleep(0.01)
    asked = moment not in ("begin_request", "start")
    assert bench.asked() == (["a"] if asked else [])
    left = Decimal("0.99") if asked else Decimal(1)
    assert bench.studio.left_today(OWNER) == left
    (request,) = bench.rows("requests")
    assert bool(request["sha256"]) == asked
    while list((bench.studio.folder / "pictures" / "unfinished").glob("*")):
        assert time.monotonic() < ends, "the note of the picture stays"
        await asyncio.sleep(0.01)


async def test_what_cannot_be_stored_is_paid_for_and_nobody_else_is_paid(
    build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    bench = build(
        (entry("a", "0.01"), painted("0.01")), (entry("b", "0.01"), painted("0.01")), budget=RICH
    )
    monkeypatch.setattr(Gallery, "keep", full)
    with pytest.raises(Exception, match="a fault in Freebrush"):
        await bench.make()
    assert bench.asked() == ["a"]
    assert bench.studio.left_today(OWNER) == Decimal("0.99")
    assert "No space left" in caplog.text
    nothing_is_open(bench)


async def test_after_a_stop_the_next_request_goes_well(build: Build) -> None:
    bench = build((entry("a"), hang, painted()))
    task = asyncio.ensure_future(bench.make())
    while not bench.asked():
        await asyncio.sleep(0.01)
    await stopped(task)
    assert (await bench.make()).receipt.provider == "a"
