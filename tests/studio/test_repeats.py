"""A request that is sent again with its idempotency key reaches the vendor once, whatever happens."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from studio.heartbeat import Heartbeat
from studio.ledger import LEASE, Ledger
from studio.receipt import NobodyCould
from studio.tables import attempts, requests
from studio.words import BadInput
from tests.loopback import Answer, Server, serve
from tests.studio.books import assert_settled, rows
from tests.studio.children import Children, children
from tests.studio.conftest import GUEST, OWNER, Bench
from tests.studio.fakes import entry, hang, painted

PAYS: dict[str, Any] = {"usd_per_day": "0.37", "key": "k"}


@pytest.fixture
def several(tmp_path: Path, database_url: str | None) -> Iterator[Children]:
    with children(tmp_path, database_url) as those:
        yield those


@pytest.fixture
def vendor() -> Iterator[Server]:
    with serve(Answer()) as server:
        yield server


def killed(several: Children, vendor: Server, **orders: Any) -> None:
    child = several.start(vendor=vendor.url, **PAYS, **orders)
    assert child.wait(60) == -signal.SIGKILL


def a_lease_passes(several: Children) -> None:
    """As if that long had passed since the last renewal."""
    gone = datetime.now(timezone.utc) - timedelta(seconds=1)
    with several.engine.begin() as connection:
        for table in (attempts, requests):
            connection.execute(table.update().values(lease_until=gone))


def test_two_at_once_in_one_process_get_one_picture(several: Children, vendor: Server) -> None:
    one, two = several.run(vendor=vendor.url, requests=2, **PAYS)
    assert one == two
    assert "made" in one
    assert len(vendor.requests) == 1
    assert_settled(several.engine, several.folder)


def test_two_at_once_in_two_processes_get_one_picture(several: Children, vendor: Server) -> None:
    both = [several.start(vendor=vendor.url, **PAYS) for _ in range(2)]
    one, two = (child.said() for child in both)
    assert one == two
    assert "made" in one[0]
    assert len(vendor.requests) == 1
    assert_settled(several.engine, several.folder)


def test_who_comes_while_the_first_is_under_way_waits_for_it(several: Children) -> None:
    answers = threading.Event()

    def slow(_request: Any) -> Answer:
        answers.wait(60)
        return Answer()

    with serve(slow) as server:
        first = several.start(vendor=server.url, **PAYS)
        assert server.wait_for("/", 60)
        second = several.start(vendor=server.url, **PAYS, halts=("looking", 3))
        second.await_halt()  # it has looked for the first twice, in vain
        answers.set()
        assert second.go_on() == first.said()
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_after_a_restart_it_is_told_what_came_of_the_first(several: Children, status: int) -> None:
    with serve(Answer(status)) as server:
        first = several.run(vendor=server.url, **PAYS)
        again = several.run(vendor=server.url, **PAYS)
    assert first[0].keys() == {"request", "made" if status == 200 else "failed"}
    assert again == first
    assert len(server.requests) == 1
    assert len(rows(several.engine, requests)) == 1


def test_what_had_arrived_when_the_first_was_killed_is_handed_out(
    several: Children, vendor: Server
) -> None:
    killed(several, vendor, dies=("the ledger's row", 1))
    a_lease_passes(several)
    (again,) = several.run(vendor=vendor.url, **PAYS)
    assert "made" in again
    assert len(vendor.requests) == 1
    assert_settled(several.engine, several.folder)


def test_what_was_lost_when_the_first_was_killed_is_not_asked_for_again(
    several: Children, vendor: Server
) -> None:
    killed(several, vendor, dies=("half a picture", 1))
    a_lease_passes(several)
    (again,) = several.run(vendor=vendor.url, **PAYS)
    assert "ended while it was asked" in again["failed"]
    assert len(vendor.requests) == 1
    assert_settled(several.engine, several.folder)


def test_another_visitor_with_the_same_key_gets_his_own(several: Children, vendor: Server) -> None:
    (one,) = several.run(vendor=vendor.url, visitor="one", **PAYS)
    (two,) = several.run(vendor=vendor.url, visitor="two", **PAYS)
    assert one["request"] != two["request"]
    assert len(vendor.requests) == 2


def test_another_request_with_the_same_key_is_refused_and_nothing_is_sent(
    several: Children, vendor: Server
) -> None:
    several.run(vendor=vendor.url, **PAYS)
    (other,) = several.run(vendor=vendor.url, **PAYS, prompt="a hound")
    assert other == {
        "bad": "idempotency_key 'k' was sent before, with another request; send a new one"
    }
    assert len(vendor.requests) == 1
    assert len(rows(several.engine, requests)) == 1


async def test_each_field_of_a_request_makes_it_another(build: Callable[..., Bench]) -> None:
    bench = build((entry("a"), painted()), (entry("b"), painted()))

    async def send(**raw: Any) -> Any:
        request = bench.studio.check(**{"prompt": "a fox"} | raw)
        return await bench.studio.generate(request, OWNER, idempotency_key="k")

    first = await send()
    for other in [
        {"prompt": "a hound"}, {"negative_prompt": "a"}, {"provider": "b"}, {"model": "m"},
        {"width": 512}, {"height": 512}, {"seed": 1}, {"steps": 3}, {"guidance": 2.0},
    ]:  # fmt: skip
        with pytest.raises(BadInput) as refused:
            await send(**other)
        assert refused.value.field == "idempotency_key"
    again = await send()
    assert (again.path, again.receipt.as_dict()) == (first.path, first.receipt.as_dict())
    assert len(bench.fake["a"].calls) == 1


async def test_who_waits_for_a_process_that_is_gone_settles_it_himself(
    build: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heartbeat, "start", lambda _: None)
    bench = build((entry("a"), painted()), deadline=1.0)
    gone, request = Ledger(bench.studio._engine, bench.clock), bench.studio.check(prompt="a fox")
    gone.begin_request("r", OWNER.id, request, 1, "k/0")
    bench.clock.now += LEASE + timedelta(seconds=1)
    with pytest.raises(NobodyCould) as told:
        await bench.studio.generate(request, OWNER, idempotency_key="k")
    assert told.value.request_id == "r"
    assert told.value.attempts == ()  # not that the time was over
    assert not bench.fake["a"].calls


async def test_without_a_key_the_same_request_is_made_again(build: Callable[..., Bench]) -> None:
    bench = build((entry("a"), painted()))
    one, two = await bench.make(), await bench.make()
    assert one.receipt.request_id != two.receipt.request_id
    assert len(bench.fake["a"].calls) == 2


async def test_a_stop_ends_the_one_who_waits_and_the_first_goes_on(
    build: Callable[..., Bench],
) -> None:
    there = asyncio.Event()

    async def paint() -> Any:
        await there.wait()
        return painted()

    bench = build((entry("a"), paint))
    request = bench.studio.check(prompt="a fox")

    def send(visitor: Any = GUEST) -> asyncio.Task[Any]:
        return asyncio.create_task(
            bench.studio.generate(request, visitor, idempotency_key="k")
        )  # fmt: skip

    first = send()
    while not bench.fake["a"].calls:
        await asyncio.sleep(0.01)
    second = send()
    await asyncio.sleep(0.2)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not first.done()
    there.set()
    made = await first
    assert (await send()).receipt.as_dict() == made.receipt.as_dict()
    assert len(bench.fake["a"].calls) == 1


async def test_who_repeats_a_request_that_was_stopped_hears_so(
    build: Callable[..., Bench],
) -> None:
    bench = build((entry("a"), hang))
    request = bench.studio.check(prompt="a fox")
    first = asyncio.create_task(bench.studio.generate(request, OWNER, idempotency_key="k"))
    while not bench.fake["a"].calls:
        await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Exception, match="stopped by you"):
        await bench.studio.generate(request, OWNER, idempotency_key="k")
    assert len(bench.fake["a"].calls) == 1


async def test_a_picture_that_was_deleted_since_is_not_made_again(
    build: Callable[..., Bench],
) -> None:
    bench = build((entry("a"), painted()))
    request = bench.studio.check(prompt="a fox")
    made = await bench.studio.generate(request, OWNER, idempotency_key="k")
    bench.studio.gallery.remove(made.receipt.sha256, made.receipt.media_type)
    with pytest.raises(Exception, match="deleted"):
        await bench.studio.generate(request, OWNER, idempotency_key="k")
    assert len(bench.fake["a"].calls) == 1
