"""Several pictures of one request: each on its own way, all within one decision about the money."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Free, OutcomeUnknown, Picture, Refused, Unavailable
from studio.config import Budget, Limits
from studio.receipt import NobodyCould
from studio.request import MAX_SEED
from studio.studio import Made
from studio.words import BadInput
from tests.canned import picture
from tests.studio.conftest import GUEST, OWNER, Bench, trail
from tests.studio.fakes import Call, Scripted, entry, hang, painted

Build = Callable[..., Bench]
RICH = Budget(Decimal("0.05"), Decimal(1))


async def many(bench: Bench, pictures: Any, key: str | None = None, **raw: Any) -> list[Any]:
    request = bench.studio.check(**{"prompt": "a fox"} | raw)
    return await bench.studio.generate_many(request, OWNER, pictures, idempotency_key=key)


def seeds_of(calls: list[Call]) -> list[int]:
    return sorted(call.request.seed for call in calls)


def each_another(bench: Bench, name: str = "a") -> None:
    """From now on each call gives bytes of its own, as a model does for each seed."""
    sides = itertools.count(64)

    async def paint() -> Picture:
        side = next(sides)
        return Picture(picture("png", side, side), "image/png", side, side, 7, Decimal(0))

    bench.fake[name].outcomes = [paint]


@pytest.mark.parametrize("pictures", [1, 2, 4])
async def test_so_many_are_made_each_with_a_request_and_a_trail_of_its_own(
    build: Build, pictures: int
) -> None:
    bench = build((entry("a"), Unavailable("x")), (entry("b"), painted()))
    each_another(bench, "b")
    made = await many(bench, pictures)
    assert [trail(one.receipt.attempts) for one in made] == [
        [("a", "unavailable"), ("b", "succeeded")]
    ] * pictures
    requests, attempts = bench.rows("requests"), bench.rows("attempts")
    ids = [one.receipt.request_id for one in made]
    assert len(set(ids)) == pictures
    assert sorted(row["id"] for row in requests) == sorted(ids)
    assert sorted(row["request_id"] for row in attempts) == sorted([*ids, *ids])
    assert len({one.receipt.sha256 for one in made}) == pictures
    assert all(one.path.exists() for one in made)


@pytest.mark.parametrize(
    ("first", "seeds"),
    [
        (5, [5, 6, 7, 8]),
        (0, [0, 1, 2, 3]),
        (MAX_SEED, [MAX_SEED, 0, 1, 2]),
        (MAX_SEED - 1, [MAX_SEED - 1, MAX_SEED, 0, 1]),
    ],
)
async def test_seeds_follow_each_other_and_wrap(build: Build, first: int, seeds: list[int]) -> None:
    bench = build((entry("a"), painted()))
    made = await many(bench, 4, seed=first)
    assert seeds_of(bench.fake["a"].calls) == sorted(seeds)
    by_id = {row["id"]: row["seed"] for row in bench.rows("requests")}
    assert [by_id[one.receipt.request_id] for one in made] == seeds


async def test_a_drawn_seed_is_followed_too(build: Build) -> None:
    bench = build((entry("a"), painted()))
    await many(bench, 3)
    seeds = {row["seed"] for row in bench.rows("requests")}
    assert seeds == {call.request.seed for call in bench.fake["a"].calls}
    around = [{(seed + number) % (MAX_SEED + 1) for number in range(3)} for seed in seeds]
    assert seeds in around
    await many(bench, 3)
    assert len({row["seed"] for row in bench.rows("requests")}) == 6


@pytest.mark.parametrize("given", [0, -1, 5, 1.5, True, None, "2", float("nan"), 10**30])
async def test_any_other_number_is_refused_before_anything_is_written(
    build: Build, given: Any
) -> None:
    bench = build((entry("a"), painted()))
    with pytest.raises(BadInput, match=r"^pictures must be a whole number from 1 to 4, not "):
        await many(bench, given)
    assert bench.asked() == []
    assert (bench.rows("requests"), bench.rows("meters")) == ([], [])


async def test_the_most_is_what_the_config_says(build: Build) -> None:
    bench = build((entry("a"), painted()), limits=Limits(max_images=6))
    assert len(await many(bench, 6)) == 6
    with pytest.raises(BadInput, match="from 1 to 6, not 7"):
        await many(bench, 7)


async def test_with_money_for_three_none_of_four_is_paid_for(build: Build) -> None:
    budget = Budget(Decimal("0.05"), Decimal("0.15"))
    bench = build((entry("a", "0.05"), painted("0.05")), budget=budget)
    results = await many(bench, 4)
    assert bench.asked() == []
    assert [str(result) for result in results] == [
        "No provider could make the picture: a: over budget: it costs $0.20 and $0.15 is left today."
    ] * 4
    assert bench.studio.left_today(OWNER) == Decimal("0.15")
    made = await many(bench, 3)
    assert [one.receipt.paid_by for one in made] == ["budget"] * 3
    assert bench.studio.left_today(OWNER) == 0


async def test_what_costs_nothing_makes_them_where_the_money_is_not_enough(build: Build) -> None:
    bench = build(
        (entry("a", "0.05"), painted("0.05")), (entry("b"), painted()),
        budget=Budget(Decimal("0.05"), Decimal("0.15")), free_first=False,
    )  # fmt: skip
    made = await many(bench, 4)
    assert [one.receipt.provider for one in made] == ["b"] * 4
    assert [one.receipt.provider for one in await many(bench, 3)] == ["a"] * 3


async def test_two_who_ask_for_as_much_as_there_is_never_spend_more(build: Build) -> None:
    budget = Budget(Decimal("0.05"), Decimal("0.20"))
    bench = build((entry("a", "0.05"), painted("0.05")), budget=budget)
    both = await asyncio.gather(many(bench, 4), many(bench, 4))
    made = [one for one in (*both[0], *both[1]) if isinstance(one, Made)]
    assert len(made) == len(bench.fake["a"].calls) == 4
    assert bench.studio.left_today(OWNER) == 0


async def test_an_allowance_for_two_gives_two_and_the_next_gives_the_others(build: Build) -> None:
    two = Free(Decimal(2), "images", "day", "stops")
    bench = build((entry("a", free=two), painted()), (entry("b"), painted()))
    made = await many(bench, 4)
    assert sorted(one.receipt.provider for one in made) == ["a", "a", "b", "b"]


async def test_one_fails_and_the_others_come_in_their_order(build: Build) -> None:
    bench = build((entry("a"), painted()))
    made_of = Scripted.generate

    async def generate(self: Scripted, request: Any, **more: Any) -> Picture:
        if request.seed == 11:
            raise Refused("no foxes")
        return await made_of(self, request, **more)

    bench.fake["a"].generate = generate.__get__(bench.fake["a"])  # type: ignore[method-assign]
    first, second, third = await many(bench, 3, seed=10)
    assert isinstance(second, NobodyCould)
    assert trail(second.attempts) == [("a", "refused")]
    assert (first.receipt.provider, third.receipt.provider) == ("a", "a")
    ended = {row["id"]: row["trail"] for row in bench.rows("requests")}
    assert "no foxes" in ended.pop(second.request_id)
    assert set(ended.values()) == {None}


async def test_what_may_have_been_billed_for_one_stops_no_other(build: Build) -> None:
    bench = build(
        (entry("a", "0.01"), OutcomeUnknown("lost"), painted("0.01")),
        (entry("b", "0.01"), painted("0.01")), budget=RICH,
    )  # fmt: skip
    results = await many(bench, 3)
    assert sum(isinstance(result, NobodyCould) for result in results) == 1
    assert len(bench.fake["b"].calls) == 0
    assert bench.studio.left_today(OWNER) == Decimal("0.97")


async def test_stop_ends_all_of_them(build: Build) -> None:
    bench = build((entry("a"), hang), (entry("b"), painted()))
    task = asyncio.ensure_future(many(bench, 4))
    until = time.monotonic() + 10
    while len(bench.fake["a"].calls) < 4 and time.monotonic() < until:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.asked() == ["a"]
    assert [row["outcome"] for row in bench.rows("attempts")] == ["unavailable"] * 4
    rows = bench.rows("requests")
    assert len(rows) == 4
    assert all(row["ended_at"] and "stopped by you" in row["trail"] for row in rows)


async def test_the_same_key_gives_all_of_them_again_and_asks_nobody(build: Build) -> None:
    bench = build((entry("a"), painted()))
    each_another(bench)
    first = await many(bench, 3, "key")
    again = await many(bench, 3, "key")
    assert [one.receipt.as_dict() for one in again] == [one.receipt.as_dict() for one in first]
    assert [one.path for one in again] == [one.path for one in first]
    assert len({one.receipt.sha256 for one in first}) == 3
    assert (len(bench.fake["a"].calls), len(bench.rows("requests"))) == (3, 3)
    await many(bench, 3, "another")
    await bench.studio.generate_many(
        bench.studio.check(prompt="a fox"), GUEST, 3, idempotency_key="key"
    )
    assert len(bench.fake["a"].calls) == 9


async def test_the_same_key_at_the_same_time_waits_for_the_first(build: Build) -> None:
    bench = build((entry("a"), painted()))
    each_another(bench)
    results = await asyncio.gather(*(many(bench, 2, "key", seed=1) for _ in range(5)))
    assert len(bench.fake["a"].calls) == 2
    assert {tuple(one.receipt.sha256 for one in pair) for pair in results} == {
        tuple(one.receipt.sha256 for one in results[0])
    }


async def test_the_same_key_gives_a_failure_again_too(build: Build) -> None:
    bench = build((entry("a"), Unavailable("gone"), painted()))
    first = await many(bench, 2, "key", seed=3)
    again = await many(bench, 2, "key", seed=3)
    failures = [one for one in first if isinstance(one, NobodyCould)]
    assert len(failures) == 1
    assert [str(one) for one in again if isinstance(one, NobodyCould)] == [str(failures[0])]
    assert len(bench.fake["a"].calls) == 2


async def test_the_same_key_with_another_wish_is_refused(build: Build) -> None:
    bench = build((entry("a"), painted()))
    await many(bench, 2, "key")
    with pytest.raises(BadInput, match="'key' was sent before, with another request"):
        await many(bench, 2, "key", prompt="a boat")
    for other in (1, 3):
        with pytest.raises(BadInput, match="'key' was sent before, with another request"):
            await many(bench, other, "key")
    assert len(bench.fake["a"].calls) == 2
