"""A second try of the same offer: once at most, and only where nothing was accepted and nobody else
is left to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from providers.base import (
    Defect,
    Gone,
    NotConfigured,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Refused,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)
from studio.config import Budget, Config
from studio.receipt import Attempt, NobodyCould
from studio.studio import Studio
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Server, serve
from tests.studio.conftest import OWNER, Bench, trail
from tests.studio.fakes import NOON, entry, hang, painted
from tests.wire.automatic1111 import rig as automatic1111
from tests.wire.huggingface import rig as huggingface

Build = Callable[..., Bench]
RICH = Budget(Decimal("0.05"), Decimal(1), Decimal("0.10"))
AGAIN = Unavailable("503", again=True)
SOON = timedelta(seconds=0.3)


async def ask(url: str, rig: ModuleType, folder: Path, **config: Any) -> tuple[Attempt, ...]:
    """The attempts of one request to the real adapter of `rig`, and to nobody else."""
    offer = replace(rig.entry(url, key_env="KEY"), name="a")
    studio = Studio(Config({"a": offer}, fallback=("a",), **config), folder, {"KEY": rig.KEY})
    try:
        request = studio.check(prompt="a fox")
        (made,) = await studio.generate_many(request, OWNER, 1)
    finally:
        await studio.aclose()
    return made.attempts if isinstance(made, NobodyCould) else made.receipt.attempts


def after(first: Answer, rig: ModuleType) -> Any:
    """A server that answers so to the first request for a picture, and well to the next."""
    well = rig.stage()
    if isinstance(well, Answer):
        return {"POST /": [first, well]}
    post = "POST /sdapi/v1/txt2img"
    return {**well, post: [first, well[post]]}


def posts(server: Server) -> int:
    return sum(request.method == "POST" for request in server.requests)


@pytest.mark.parametrize("rig", [huggingface, automatic1111], ids=["huggingface", "automatic1111"])
async def test_a_server_that_cannot_now_is_asked_once_more(rig: ModuleType, tmp_path: Path) -> None:
    with serve(after(Answer(503), rig)) as server:
        attempts = await ask(server.url, rig, tmp_path)
        assert posts(server) == 2
    assert trail(attempts) == [("a", "unavailable"), ("a", "succeeded")]


async def test_a_short_retry_after_is_waited_for(tmp_path: Path) -> None:
    with serve(after(Answer(429, {"retry-after": "1"}), huggingface)) as server:
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempts = await ask(server.url, huggingface, tmp_path)
        assert loop.time() - began > 0.9
    assert trail(attempts) == [("a", "rate_limited"), ("a", "succeeded")]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"retry-after": "60"}), (429, {}), (401, {}), (402, {}), (400, {}), (404, {}),
    ],
    ids=["a long pause", "a pause", "401", "402", "400", "404"],
)  # fmt: skip
async def test_what_a_moment_does_not_cure_is_not_asked_again(
    status: int, headers: dict[str, str], tmp_path: Path
) -> None:
    with serve(after(Answer(status, headers, b"{}"), huggingface)) as server:
        attempts = await ask(server.url, huggingface, tmp_path)
        assert posts(server) == 1
    assert len(attempts) == 1


@pytest.mark.parametrize("usd", ["0", "0.01"])
async def test_what_was_taken_and_lost_is_never_sent_again(usd: str, tmp_path: Path) -> None:
    lost = after(Answer(fault="close"), automatic1111)
    offer = {"budget": RICH}
    with serve(lost) as server:
        rig = ModuleType("rig")
        rig.KEY = automatic1111.KEY  # type: ignore[attr-defined]
        models = (replace(automatic1111.entry("").models[0], usd=Decimal(usd)),)
        rig.entry = lambda url, **more: automatic1111.entry(url, models=models, **more)  # type: ignore[attr-defined]
        attempts = await ask(server.url, rig, tmp_path, **offer)
        assert len(server.to("POST /sdapi/v1/txt2img")) == 1
    assert [one.outcome for one in attempts] == ["unavailable" if usd == "0" else "outcome_unknown"]


async def test_a_host_where_nobody_listens_is_asked_twice_and_no_more(tmp_path: Path) -> None:
    attempts = await ask(dead_url(), automatic1111, tmp_path)
    assert trail(attempts) == [("a", "unavailable")] * 2


async def test_there_is_no_third_try(build: Build) -> None:
    bench = build((entry("a"), AGAIN))
    with pytest.raises(NobodyCould) as caught:
        await bench.make()
    assert trail(caught.value.attempts) == [("a", "unavailable")] * 2


async def test_where_another_can_be_asked_that_is_the_second_try(build: Build) -> None:
    bench = build((entry("a"), AGAIN), (entry("b"), painted()))
    assert trail((await bench.make()).receipt.attempts) == [
        ("a", "unavailable"), ("b", "succeeded"),
    ]  # fmt: skip


async def test_who_is_left_out_or_only_draws_samples_is_not_another(build: Build) -> None:
    bench = build(
        (entry("a"), AGAIN, painted()), (entry("unset", adapter="keyed", key_env="K"), painted()),
        (entry("last", adapter="drawn"), painted()), last_resort="last",
    )  # fmt: skip
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [
        ("a", "unavailable"), ("a", "succeeded"), ("unset", "skipped"),
    ]  # fmt: skip
    assert not receipt.sample


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("loading"), Spoilt("half"), NotConfigured("401"), QuotaExhausted("402", NOON + SOON),
        Refused("no"), Unsupported("size"), Gone("404"), OutcomeUnknown("lost"), Defect("ours"),
        RateLimited("slow"), RateLimited("slow", NOON + timedelta(seconds=16)),
        Unreachable("late", again=False), RuntimeError("a bug"),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("usd", ["0", "0.01"])
async def test_nothing_else_is_tried_again(build: Build, error: Exception, usd: str) -> None:
    bench = build((entry("a", usd), error), budget=RICH)
    with pytest.raises(NobodyCould):
        await bench.make()
    assert len(bench.fake["a"].calls) == 1


async def test_a_limit_that_is_over_in_a_moment_is_waited_for(build: Build) -> None:
    bench = build(
        (entry("a", "0.01"), RateLimited("slow", NOON + SOON), painted("0.01")), budget=RICH
    )
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [("a", "rate_limited"), ("a", "succeeded")]
    assert bench.studio.left_today(OWNER) == Decimal("0.99")  # paid for once
    assert [row["outcome"] for row in bench.rows("attempts")] == ["rate_limited", "succeeded"]


async def test_nobody_waits_past_the_end_of_the_request(build: Build) -> None:
    bench = build((entry("a"), RateLimited("slow", NOON + timedelta(seconds=9))), deadline=5)
    with pytest.raises(NobodyCould):
        await asyncio.wait_for(bench.make(), 4)
    assert len(bench.fake["a"].calls) == 1


@pytest.mark.parametrize("error", [AGAIN, Unreachable("nobody there")], ids=["503", "dead"])
async def test_the_second_try_of_a_probe_is_no_rest(build: Build, error: Exception) -> None:
    bench = build((entry("a"), Unreachable("x", again=False), error, painted()))
    with pytest.raises(NobodyCould):
        await bench.make()
    receipt = (await bench.make()).receipt  # it rests, so it is probed
    assert trail(receipt.attempts) == [("a", "unavailable"), ("a", "succeeded")]
    assert bench.rows("rests") == []


async def test_stop_ends_the_wait_for_a_second_try(build: Build) -> None:
    bench = build((entry("a"), RateLimited("slow", NOON + timedelta(seconds=14)), hang))
    task = asyncio.ensure_future(bench.make())
    while not bench.rows("attempts") or bench.rows("attempts")[0]["outcome"] == "started":
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 3)
    assert len(bench.fake["a"].calls) == 1
    (row,) = bench.rows("requests")
    assert '"rate_limited"' in row["trail"]
    assert row["ended_at"]
