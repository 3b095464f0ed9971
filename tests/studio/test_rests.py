"""Cool-down: who is left alone after a failure, for how long, and who may try again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.base import (
    Defect,
    Free,
    Gone,
    Model,
    NotConfigured,
    OutcomeUnknown,
    Picture,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Unavailable,
    Unreachable,
    Unsupported,
)
from studio.config import Budget
from studio.costs import HEADERS, cost_rows
from studio.receipt import NobodyCould, iso
from studio.rests import DAY, FIRST, RECENT, TRIAL
from tests.studio.conftest import GUEST, OWNER, Bench, trail
from tests.studio.fakes import NOON, entry, hang, painted

Build = Callable[..., Bench]
SECOND = timedelta(seconds=1)
RICH = Budget(Decimal("0.05"), Decimal(1), Decimal("0.10"))
DEAD = Unreachable("nobody there", again=False)


@pytest.fixture
def where(database_url: str | None) -> str | None:
    """Everything here runs on both databases."""
    return database_url


def pair(build: Build, *outcomes: Any, **offer: Any) -> Bench:
    """One that fails so, and one that works."""
    return build((entry("a", **offer), *outcomes), (entry("b"), painted()))


async def tried(bench: Bench, name: str = "a", **raw: Any) -> bool:
    """Whether the next request asks it."""
    before = len(bench.fake[name].calls)
    with suppress(NobodyCould):
        await bench.make(**raw)
    return len(bench.fake[name].calls) > before


async def rests_until(bench: Bench, until: datetime, name: str = "a", **raw: Any) -> None:
    """It is not asked before that instant, and asked then."""
    bench.clock.now = until - SECOND
    assert not await tried(bench, name, **raw), "asked before its rest was over"
    bench.clock.now = until
    assert await tried(bench, name, **raw), "not asked when its rest was over"


@pytest.mark.parametrize(
    "dead", [DEAD, hang, OutcomeUnknown("it broke off")], ids=["no connection", "timeout", "lost"]
)
async def test_a_host_where_nobody_answers_rests_at_once(build: Build, dead: Any) -> None:
    bench = pair(build, dead, timeout=0.05)
    assert await tried(bench)
    await rests_until(bench, NOON + FIRST)


async def test_each_probe_that_fails_doubles_the_rest_up_to_a_cap(build: Build) -> None:
    bench = pair(build, DEAD)
    assert await tried(bench)
    for seconds in (30, 60, 120, 240, 480, 900, 900, 900):
        await rests_until(bench, bench.clock.now + timedelta(seconds=seconds))


async def test_many_that_find_a_host_dead_at_once_are_one_failure(build: Build) -> None:
    gate, waiting = asyncio.Event(), []

    async def late() -> Picture:
        waiting.append(1)
        await gate.wait()
        raise DEAD

    bench = pair(build, late)
    tasks = [asyncio.ensure_future(bench.make()) for _ in range(5)]
    while len(waiting) < 5:
        await asyncio.sleep(0.01)
    gate.set()
    await asyncio.gather(*tasks)
    await rests_until(bench, NOON + FIRST)


async def test_a_host_that_asks_for_a_pause_rests_until_it_says(build: Build) -> None:
    bench = pair(build, RateLimited("slow", NOON + timedelta(minutes=3)))
    assert await tried(bench)
    await rests_until(bench, NOON + timedelta(minutes=3))


async def test_one_that_does_not_say_how_long_rests_as_one_that_is_not_there(build: Build) -> None:
    bench = pair(build, RateLimited("slow"))
    assert await tried(bench)
    await rests_until(bench, NOON + FIRST)
    await rests_until(bench, bench.clock.now + 2 * FIRST)


@pytest.mark.parametrize(
    ("said", "per", "until"),
    [
        (NOON + timedelta(hours=5), "month", NOON + timedelta(hours=5)),
        (None, "hour", NOON + timedelta(hours=1)),
        (None, "day", NOON + timedelta(hours=12)),
        (None, "month", datetime(2026, 4, 1, tzinfo=NOON.tzinfo)),
        (None, "once", NOON + DAY),
        (None, None, NOON + DAY),
    ],
    ids=["it says", "hour", "day", "month", "once", "no allowance"],
)
async def test_whose_credit_is_gone_rests_until_it_comes_back(
    build: Build, said: datetime | None, per: Any, until: datetime
) -> None:
    free = Free(Decimal(100), "images", per, "stops") if per else None
    bench = pair(build, QuotaExhausted("402", said), free=free)
    assert await tried(bench)
    await rests_until(bench, until)


async def test_a_refused_key_is_not_tried_again_before_another_start_or_another_key(
    build: Build,
) -> None:
    offers = [
        (entry("a", adapter="keyed", key_env="KEY"), NotConfigured("401: bad key")),
        (entry("b"), painted()),
    ]
    environ = {"KEY": "one"}
    bench = build(*offers, environ=environ)
    assert await tried(bench)
    bench.clock.now += timedelta(days=400)
    assert not await tried(bench)
    row = (await bench.studio.plan(OWNER))[0]
    assert (row.state, str(row.said)) == (
        "not_set_up", "not set up, until another start or another key: 401: bad key",
    )  # fmt: skip
    environ["KEY"] = "two"  # one visitor's bad key rests nobody else's
    assert await tried(bench)
    environ["KEY"] = "one"
    assert not await tried(bench)
    assert await tried(build(*offers, environ=environ))  # another start


async def test_a_rest_is_that_of_the_account_and_holds_for_all_its_models(build: Build) -> None:
    free = Decimal(0)
    offer = entry(
        "a", adapter="keyed", key_env="KEY", models=(Model("m", free), Model("n", free))
    )  # fmt: skip
    environ = {"KEY": "one"}
    bench = build((offer, DEAD), (entry("b"), painted()), environ=environ,
                  fallback=("a/m", "a/n", "b"))  # fmt: skip
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [
        ("a", "unavailable"), ("a", "unavailable"), ("b", "succeeded"),
    ]  # fmt: skip
    assert [row["streak"] for row in bench.rows("rests")] == [1]
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [("a", "skipped"), ("a", "skipped"), ("b", "succeeded")]
    environ["KEY"] = "two"
    assert await tried(bench)


async def test_a_model_that_is_gone_rests_for_a_day_and_the_other_models_go_on(
    build: Build,
) -> None:
    free = Decimal(0)
    offer = entry("a", models=(Model("m", free), Model("n", free)))
    bench = build((offer, Gone("404: no such model"), painted()), (entry("b"), painted()),
                  fallback=("a/m", "a/n", "b"))  # fmt: skip
    receipt = (await bench.make()).receipt
    assert [(one.model, one.outcome) for one in receipt.attempts] == [
        ("m", "unsupported"), ("n", "succeeded"),
    ]  # fmt: skip
    bench.clock.now = NOON + DAY - SECOND
    await bench.make()
    assert [call.request.model for call in bench.fake["a"].calls] == ["m", "n", "n"]
    bench.clock.now = NOON + DAY
    await bench.make()
    assert bench.fake["a"].calls[-1].request.model == "m"


@pytest.mark.parametrize("error", [Unavailable("503"), Defect("odd")], ids=["5xx", "defect"])
async def test_other_failures_rest_an_offer_only_when_they_are_many(
    build: Build, error: ProviderError
) -> None:
    bench = pair(build, error)
    for number in range(4):
        bench.clock.now = NOON + number * SECOND
        assert await tried(bench)
    bench.clock.now += RECENT  # those are long ago
    for _ in range(5):
        assert await tried(bench)
    assert not await tried(bench)
    await rests_until(bench, bench.clock.now + FIRST)
    await rests_until(bench, bench.clock.now + 2 * FIRST)  # the probe failed


async def test_half_of_the_calls_that_failed_are_not_many(build: Build) -> None:
    bench = pair(build, *[painted(), Unavailable("503")] * 3, Unavailable("503"))
    for _ in range(6):
        assert await tried(bench)
    assert await tried(bench)  # now there are four of seven
    assert not await tried(bench)


@pytest.mark.parametrize(
    "error", [Unsupported("no such size"), Refused("not this")], ids=["unsupported", "refused"]
)
async def test_who_says_no_is_there_and_does_not_rest(build: Build, error: Any) -> None:
    bench = build((entry("a"), error), (entry("b"), painted()), on_refusal="next_free")
    for _ in range(8):
        assert await tried(bench)


async def test_a_picture_ends_everything(build: Build) -> None:
    bench = pair(build, DEAD, DEAD, painted(), DEAD)
    assert await tried(bench)
    for rest in (FIRST, 2 * FIRST):
        bench.clock.now += rest
        assert await tried(bench)
    assert bench.rows("rests") == []
    assert await tried(bench)  # the fourth call: dead again, and the first of its kind
    await rests_until(bench, bench.clock.now + FIRST)


async def test_of_many_that_ask_when_a_rest_is_over_exactly_one_tries(build: Build) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slow() -> Picture:
        begun.set()
        await gate.wait()
        return painted()

    bench = pair(build, DEAD, slow)
    assert await tried(bench)
    bench.clock.now += FIRST
    tasks = [asyncio.ensure_future(bench.make()) for _ in range(12)]
    await begun.wait()
    done, waiting = await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    while len(waiting) > 1:
        done, waiting = await asyncio.wait(tasks, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.01)
    assert len(bench.fake["a"].calls) == 2  # the one that failed, and the probe
    for task in done:
        first, second = task.result().receipt.attempts
        assert (first.outcome, second.provider) == ("skipped", "b")
        until = bench.clock.now + TRIAL
        assert first.reason == f"resting until {until:%H:%M:%S} UTC after a failure"
        assert first.retry_at == until
    gate.set()
    (last,) = await asyncio.gather(*waiting)
    assert last.receipt.provider == "a"
    assert await tried(bench)


async def test_who_comes_late_to_a_rest_that_another_has_ended_just_asks(build: Build) -> None:
    bench = pair(build, DEAD, painted())
    assert await tried(bench)
    bench.clock.now += FIRST
    plan = await bench.studio.plan(OWNER)
    await bench.make()
    opened = bench.studio.ledger.start("0" * 32, plan[0])
    assert not isinstance(opened, type(plan[0].said))
    assert opened.row.entry.name == "a"


async def test_a_probe_whose_process_dies_lets_another_try_after_a_while(build: Build) -> None:
    bench = pair(build, DEAD, painted())
    assert await tried(bench)
    bench.clock.now += FIRST
    plan = await bench.studio.plan(OWNER)
    bench.studio.ledger.start("0" * 32, plan[0])  # and nothing more is heard of it
    await rests_until(bench, bench.clock.now + 30 * SECOND)


async def test_a_probe_that_is_stopped_has_not_failed(build: Build) -> None:
    bench = pair(build, DEAD, hang, DEAD)
    assert await tried(bench)
    bench.clock.now += FIRST
    task = asyncio.ensure_future(bench.make())
    while len(bench.fake["a"].calls) < 2:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await rests_until(bench, bench.clock.now + TRIAL)
    await rests_until(bench, bench.clock.now + 2 * FIRST)


async def test_if_all_rest_the_one_that_is_due_first_is_tried_before_a_sample(
    build: Build,
) -> None:
    bench = build(
        (entry("a"), RateLimited("a", NOON + timedelta(minutes=9))),
        (entry("b"), RateLimited("b", NOON + timedelta(minutes=5)), painted()),
        (entry("last", adapter="drawn"), painted()), last_resort="last",
    )  # fmt: skip
    assert (await bench.make()).receipt.sample
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [("a", "skipped"), ("b", "succeeded")]


async def test_if_that_one_fails_too_the_last_resort_answers(build: Build) -> None:
    bench = build(
        (entry("a"), DEAD), (entry("last", adapter="drawn"), painted()), last_resort="last"
    )
    for _ in range(3):
        receipt = (await bench.make()).receipt
        assert trail(receipt.attempts) == [("a", "unavailable"), ("last", "succeeded")]
    assert len(bench.fake["a"].calls) == 3


async def test_if_all_rest_one_tries_and_the_others_do_not_wait_for_it(build: Build) -> None:
    gate = asyncio.Event()

    async def slow() -> Picture:
        await gate.wait()
        return painted()

    bench = build(
        (entry("a"), DEAD, slow), (entry("last", adapter="drawn"), painted()), last_resort="last"
    )  # fmt: skip
    await bench.make()
    task = asyncio.ensure_future(bench.make())
    while len(bench.fake["a"].calls) < 2:
        await asyncio.sleep(0.01)
    for _ in range(2):
        receipt = (await bench.make()).receipt
        assert trail(receipt.attempts) == [("a", "skipped"), ("last", "succeeded")]
    gate.set()
    assert (await task).receipt.provider == "a"


async def test_who_is_stopped_rests_nobody_however_often(build: Build) -> None:
    bench = pair(build, *[hang] * 8, Unavailable("503"), painted())
    for number in range(1, 9):
        task = asyncio.ensure_future(bench.make())
        while len(bench.fake["a"].calls) < number:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert bench.rows("rests") == []
    assert await tried(bench)  # that one fails; it is the first
    assert await tried(bench)
    assert bench.rows("rests") == []


async def test_a_request_whose_own_time_is_over_rests_nobody(build: Build) -> None:
    bench = build((entry("a", timeout=60), *[hang] * 6, Unavailable("503")), deadline=1)
    await asyncio.gather(*(tried(bench) for _ in range(6)))
    assert len(bench.fake["a"].calls) == 6
    assert bench.rows("rests") == []
    assert await tried(bench)
    assert bench.rows("rests") == []


async def test_a_paid_one_that_is_cut_short_rests_as_little(build: Build) -> None:
    bench = build((entry("a", "0.01", timeout=60), hang), deadline=0.6, budget=RICH)
    assert await tried(bench)
    (row,) = bench.rows("attempts")
    assert (row["outcome"], bench.rows("rests")) == ("outcome_unknown", [])


async def test_a_failure_does_not_shorten_what_is_known_to_last_longer(build: Build) -> None:
    gate = asyncio.Event()

    async def late() -> Picture:
        await gate.wait()
        raise DEAD

    bench = pair(build, late, QuotaExhausted("402", NOON + timedelta(hours=4)))
    first = asyncio.ensure_future(bench.make())
    while not bench.fake["a"].calls:
        await asyncio.sleep(0.005)
    await bench.make()
    gate.set()
    await first
    await rests_until(bench, NOON + timedelta(hours=4))


async def test_rests_survive_a_restart_and_are_shared_by_processes(build: Build) -> None:
    offers = [(entry("a"), DEAD), (entry("b"), painted())]
    assert await tried(build(*offers))
    other = build(*offers)
    assert not await tried(other)
    await rests_until(other, NOON + FIRST)


async def test_the_plan_the_costs_and_the_receipt_say_until_when(build: Build) -> None:
    bench = pair(build, DEAD)
    await bench.make()
    until = NOON + FIRST
    says = "resting until 12:00:30 UTC after a failure"
    row = next(row for row in await bench.studio.plan(GUEST) if row.entry.name == "a")
    assert (row.state, row.place, str(row.said)) == ("resting", None, says)
    studio = bench.studio
    costs = cost_rows(await studio.plan(OWNER), await studio.figures())
    rows = [dict(zip(HEADERS, row, strict=True)) for row in costs]
    assert [(row["provider"], row["state"], row["reason"]) for row in rows] == [
        ("a", "resting", says), ("b", "ready", ""),
    ]  # fmt: skip
    first = (await bench.make()).receipt.as_dict()["attempts"][0]
    assert (first["outcome"], first["reason"], first["retry_at"]) == ("skipped", says, iso(until))
    with pytest.raises(NobodyCould, match="a: unreachable") as caught:
        await bench.make(provider="a")  # all that was asked for rests, so it is tried
    assert caught.value.attempts[0].billed == "no"
