"""One request on its way: who is asked after whom, what is written down, and what is paid."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from providers import base
from providers.base import (
    Defect,
    Free,
    NotConfigured,
    OutcomeUnknown,
    Picture,
    Progress,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from studio.config import Budget
from studio.receipt import NobodyCould, iso
from studio.request import MAX_SEED
from studio.words import BadInput
from tests.canned import picture
from tests.studio.conftest import GUEST, OWNER, Bench, trail
from tests.studio.fakes import NOON, entry, hang, painted

Build = Callable[..., Bench]
LATER = NOON + timedelta(minutes=5)
RICH = Budget(Decimal("0.05"), Decimal(1), Decimal("0.10"))
ERRORS: dict[str, ProviderError] = {
    "unavailable": Unavailable("nobody there"),
    "rate_limited": RateLimited("slow down", LATER),
    "quota_exhausted": QuotaExhausted("402", LATER),
    "not_configured": NotConfigured("401"),
    "unsupported": Unsupported("no such size"),
    "refused": Refused("not this"),
    "outcome_unknown": OutcomeUnknown("it hung up, it may have been billed"),
    "defect": Defect("a fault of ours"),
}


@pytest.fixture
def where(database_url: str | None) -> str | None:
    """Everything here runs on both databases."""
    return database_url


class Bug(Exception):
    """What no adapter should let through."""


async def test_the_first_that_can_answers_and_nobody_else_is_asked(build: Build) -> None:
    bench = build((entry("a"), painted()), (entry("b"), painted()))
    made = await bench.make()
    assert bench.asked() == ["a"]
    assert trail(made.receipt.attempts) == [("a", "succeeded")]
    assert made.path.read_bytes() == picture("png")


@pytest.mark.parametrize("outcome", ERRORS)
async def test_after_each_kind_of_failure_the_next_answers_and_the_trail_says_why(
    build: Build, outcome: str
) -> None:
    error = ERRORS[outcome]
    bench = build((entry("a"), error), (entry("b"), painted()), on_refusal="next_free")
    receipt = (await bench.make()).receipt.as_dict()
    assert receipt["provider"] == "b"
    first = receipt["attempts"][0]
    assert (first["provider"], first["outcome"], first["reason"]) == ("a", outcome, str(error))
    assert (first["billed"], first["cost_usd"]) == ("no", 0)
    at = LATER if outcome in ("rate_limited", "quota_exhausted") else None
    assert first["retry_at"] == iso(at)
    assert bench.rows("attempts")[0]["outcome"] == outcome


def test_the_table_of_failures_names_every_class_of_the_contract() -> None:
    classes = {
        value for name in base.__all__
        if isinstance(value := getattr(base, name), type) and issubclass(value, ProviderError)
    }  # fmt: skip
    asked = {type(error) for error in ERRORS.values()}
    narrower = {one for one in classes if any(issubclass(one, other) for other in asked - {one})}
    assert asked == classes - narrower - {ProviderError}
    assert all(error.outcome == outcome for outcome, error in ERRORS.items())


async def test_a_refusal_stops_with_the_words_of_the_provider(build: Build) -> None:
    bench = build((entry("a"), Refused("no foxes")), (entry("b"), painted()))
    with pytest.raises(NobodyCould, match=r"a: refused \(no foxes\)"):
        await bench.make()
    assert bench.asked() == ["a"]


async def test_after_a_refusal_next_free_asks_the_free_ones_only(build: Build) -> None:
    bench = build(
        (entry("a"), Refused("no")), (entry("b"), Unavailable("gone")),
        (entry("paid", "0.01"), painted()), (entry("last", adapter="drawn"), painted()),
        on_refusal="next_free", budget=RICH, last_resort="last",
    )  # fmt: skip
    with pytest.raises(NobodyCould) as caught:
        await bench.make()
    assert bench.asked() == ["a", "b"]
    assert trail(caught.value.attempts) == [
        ("a", "refused"), ("b", "unavailable"), ("paid", "skipped"), ("last", "skipped"),
    ]  # fmt: skip
    assert "only free ones" in caught.value.attempts[2].reason


@pytest.mark.parametrize(
    "lost",
    [OutcomeUnknown("lost"), Defect("ours"), Bug("ours"), hang],
    ids=["unknown", "defect", "bug", "hanging"],
)
async def test_what_may_have_been_billed_is_followed_by_free_ones_only(
    build: Build, lost: Any
) -> None:
    bench = build(
        (entry("a", "0.01", timeout=0.02), lost), (entry("paid", "0.01"), painted()),
        (entry("free"), Unavailable("gone")), (entry("last", adapter="drawn"), painted()),
        free_first=False, budget=RICH, last_resort="last",
    )  # fmt: skip
    with pytest.raises(NobodyCould) as caught:
        await bench.make()
    assert bench.asked() == ["a", "free"]
    first, second, third, fourth = caught.value.attempts
    assert (first.billed, first.cost_usd) == ("maybe", None)
    assert second.reason == fourth.reason == "left out: another paid one may have been billed"
    assert (second.outcome, third.outcome, fourth.outcome) == ("skipped", "unavailable", "skipped")
    assert bench.studio.left_today(OWNER) == Decimal("0.99")  # stays set aside


async def test_a_free_one_that_is_lost_is_unavailable_and_the_last_resort_answers(
    build: Build,
) -> None:
    bench = build(
        (entry("a", timeout=0.02), hang), (entry("last", adapter="drawn"), painted()),
        last_resort="last",
    )  # fmt: skip
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [("a", "unavailable"), ("last", "succeeded")]
    assert receipt.attempts[0].reason == "no answer within 0.02 s"
    assert (receipt.sample, receipt.paid_by, receipt.provider) == (True, "free", "last")


async def test_a_picture_of_a_model_is_no_sample(build: Build) -> None:
    bench = build(
        (entry("a"), painted()), (entry("z", adapter="drawn"), painted()), last_resort="z"
    )
    receipt = (await bench.make()).receipt
    assert receipt.sample is False
    assert trail(receipt.attempts) == [("a", "succeeded")]


@pytest.mark.parametrize("fault", [Bug("boom"), Defect("boom")])
async def test_a_fault_of_ours_is_logged_with_its_traceback_and_the_next_answers(
    build: Build, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    bench = build((entry("a"), fault), (entry("b"), painted()))
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [("a", "defect"), ("b", "succeeded")]
    assert "Traceback" in caplog.text
    assert "boom" in caplog.text
    if isinstance(fault, Bug):
        assert receipt.attempts[0].reason == "a fault in Freebrush (Bug); the log says more"


async def test_the_deadline_of_the_request_cuts_all_attempts(build: Build) -> None:
    bench = build(
        (entry("a", timeout=60), hang), (entry("b"), painted()),
        (entry("c", adapter="keyed", key_env="C"), painted()), deadline=0.5,
    )  # fmt: skip
    with pytest.raises(NobodyCould) as caught:
        await asyncio.wait_for(bench.make(), 5)
    assert trail(caught.value.attempts) == [
        ("a", "unavailable"), ("b", "skipped"), ("c", "skipped"),
    ]  # fmt: skip
    assert re.fullmatch(r"no answer within 0\.[1-5]\d* s", caught.value.attempts[0].reason)
    assert caught.value.attempts[1].reason == "unreachable: the time for this request was over"


async def test_a_provider_is_told_its_own_deadline(build: Build) -> None:
    bench = build((entry("a", timeout=5), Unavailable("x")), (entry("b", timeout=50), painted()),
                  deadline=20)  # fmt: skip
    now = asyncio.get_running_loop().time()
    await bench.make()
    (first,), (second,) = bench.fake["a"].calls, bench.fake["b"].calls
    assert first.deadline == pytest.approx(now + 5, abs=1)
    assert second.deadline == pytest.approx(now + 20, abs=1)


async def test_a_provider_that_will_not_be_cancelled_holds_nobody_up(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.calls.GRACE", 0.02)
    enough = asyncio.Event()

    async def stubborn() -> Picture:
        while not enough.is_set():
            try:
                await enough.wait()
            except asyncio.CancelledError:
                continue
        return painted()

    bench = build((entry("a", timeout=0.02), stubborn), (entry("b"), painted()))
    try:
        made = await asyncio.wait_for(bench.make(), 5)
    finally:
        enough.set()
    assert trail(made.receipt.attempts) == [("a", "unavailable"), ("b", "succeeded")]


async def test_a_provider_may_say_more_exactly_what_became_of_a_late_job(build: Build) -> None:
    async def tidy() -> Picture:
        try:
            return await hang()
        except asyncio.CancelledError:
            raise Unavailable("still in the queue, and taken back") from None

    bench = build((entry("a", "0.01", timeout=0.02), tidy), (entry("b"), painted()),
                  free_first=False, budget=RICH)  # fmt: skip
    first = (await bench.make()).receipt.attempts[0]
    assert (first.outcome, first.billed) == ("unavailable", "no")
    assert first.reason == "still in the queue, and taken back"


async def test_a_provider_cannot_turn_a_cancelled_request_into_a_failure(build: Build) -> None:
    begun = asyncio.Event()

    async def turn() -> Picture:
        begun.set()
        try:
            return await hang()
        except asyncio.CancelledError:
            raise Unavailable("hung up") from None

    bench = build((entry("a"), turn), (entry("b"), painted()))
    task = asyncio.ensure_future(bench.make())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.asked() == ["a"]


@pytest.mark.parametrize(
    ("usd", "outcome", "billed"), [("0", "unavailable", "no"), ("0.01", "outcome_unknown", "maybe")]
)
async def test_a_cancelled_request_is_settled_and_stays_cancelled(
    build: Build, usd: str, outcome: str, billed: str
) -> None:
    begun = asyncio.Event()

    async def begin() -> Picture:
        begun.set()
        return await hang()

    bench = build((entry("a", usd), begin), (entry("b"), painted()), budget=RICH, free_first=False)
    task = asyncio.ensure_future(bench.make())
    await begun.wait()
    assert [row["outcome"] for row in bench.rows("attempts")] == ["started"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = bench.rows("attempts")
    assert (row["outcome"], row["billed"]) == (outcome, billed)
    assert row["reason"].startswith("stopped by you")
    assert bench.asked() == ["a"]
    left = Decimal("0.99") if usd != "0" else Decimal(1)
    assert bench.studio.left_today(OWNER) == left


async def test_a_key_is_nowhere_to_be_read_even_where_the_provider_repeats_it(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-very-secret"

    def keyed(name: str) -> Any:
        return entry(name, adapter="keyed", key_env="KEY")

    bench = build(
        (keyed("a"), NotConfigured(f"bad key {key}")), (keyed("b"), Bug(f"header Bearer {key}")),
        (keyed("c"), Defect(f"{key}?")), (keyed("d"), painted(notes=(f"for {key}",))),
        environ={"KEY": f" {key}\n"},
    )  # fmt: skip
    made = await bench.make()
    assert bench.fake["a"].calls[0].key == key
    assert made.receipt.attempts[0].reason == "bad key •••"
    tables = ("requests", "attempts", "meters", "rests")
    database = json.dumps([bench.rows(table) for table in tables], default=str)
    for text in (str(made.receipt), json.dumps(made.receipt.as_dict()), database, caplog.text,
                 made.path.with_suffix(".json").read_text()):  # fmt: skip
        assert key not in text
    assert "Bearer •••" in caplog.text
    with pytest.raises(NobodyCould) as caught:
        await bench.make(provider="a")
    assert key not in f"{caught.value} {caught.value.attempts}"


async def test_when_nobody_could_each_is_named_with_the_word_that_fits(build: Build) -> None:
    spent = Free(Decimal(0), "images", "day", "stops")
    bench = build(
        (entry("dear", "0.01"), painted()), (entry("spent", "0.01", free=spent), painted()),
        (entry("unset", adapter="keyed", key_env="U_KEY"), painted()),
        *((entry(f"e-{outcome}"), error) for outcome, error in ERRORS.items()),
        on_refusal="next_free",
    )  # fmt: skip
    with pytest.raises(NobodyCould) as caught:
        await bench.make()
    sentence = str(caught.value)
    said = dict(clause.split(": ", 1) for clause in sentence.split(": ", 1)[1].split("; "))
    for name, word in {
        "dear": "budget", "spent": "credit", "unset": "key", "e-unavailable": "unreachable",
        "e-rate_limited": "resting", "e-quota_exhausted": "credit", "e-not_configured": "key",
        "e-refused": "refused",
    }.items():  # fmt: skip
        assert word in said[name], name
    for outcome, error in ERRORS.items():
        assert f"e-{outcome}: " in sentence
        assert str(error) in sentence
    assert len(caught.value.attempts) == 3 + len(ERRORS)
    assert "\n" not in sentence


async def test_without_anybody_set_up_it_is_said(build: Build) -> None:
    with pytest.raises(NobodyCould, match="none is set up"):
        await build((entry("a"), painted()), fallback=()).make()


async def test_a_receipt_has_the_keys_and_types_of_the_contract(build: Build) -> None:
    bench = build(
        (entry("a"), RateLimited("wait", LATER)),
        (entry("b"), painted("0", None, ("seed ignored by b",))),
    )
    made = await bench.make(width=512)
    receipt = json.loads(json.dumps(made.receipt.as_dict()))
    data = picture("png")
    assert list(receipt) == [
        "request_id", "provider", "model", "seed", "width", "height", "media_type", "sha256",
        "seconds", "cost_usd", "paid_by", "sample", "notes", "attempts",
    ]  # fmt: skip
    assert len(receipt.pop("request_id")) == 32
    assert 0 <= receipt.pop("seconds") < 5
    for attempt in receipt["attempts"]:
        assert 0 <= attempt.pop("seconds") < 5
    assert receipt == {
        "provider": "b", "model": "m", "seed": None, "width": 64, "height": 64,
        "media_type": "image/png", "sha256": sha256(data).hexdigest(), "cost_usd": 0,
        "paid_by": "free", "sample": False, "notes": ["seed ignored by b"],
        "attempts": [
            {"provider": "a", "model": "m", "outcome": "rate_limited", "reason": "wait",
             "cost_usd": 0, "billed": "no", "retry_at": "2026-03-14T12:05:00+00:00"},
            {"provider": "b", "model": "m", "outcome": "succeeded", "reason": "",
             "cost_usd": 0, "billed": "no", "retry_at": None},
        ],
    }  # fmt: skip
    assert json.loads(made.path.with_suffix(".json").read_text()) == made.receipt.as_dict()
    (row,) = bench.rows("requests")
    assert (json.loads(row["receipt"]), row["sha256"]) == (
        made.receipt.as_dict(),
        receipt["sha256"],
    )


@pytest.mark.parametrize(
    ("offer", "cost", "paid_by", "shown"),
    [
        (entry("a"), "0", "free", 0),
        (entry("a", "0.003", free=Free(Decimal("0.1"), "usd", "month")), "0.003", "allowance", 0.003),
        (entry("a", "0.003"), "0.003", "budget", 0.003),
        (entry("a", None, ceiling_usd=Decimal("0.01")), None, "budget", None),
    ],
)  # fmt: skip
async def test_a_receipt_says_what_was_used_and_who_paid(
    build: Build, offer: Any, cost: str | None, paid_by: str, shown: float | None
) -> None:
    receipt = (await build((offer, painted(cost)), budget=RICH).make()).receipt.as_dict()
    assert (receipt["cost_usd"], receipt["paid_by"]) == (shown, paid_by)
    assert receipt["attempts"][0]["billed"] == ("no" if cost == "0" else "yes")


async def test_a_seed_is_drawn_passed_on_and_recorded(build: Build) -> None:
    bench = build((entry("a"), Unavailable("x")), (entry("b"), painted()))
    await bench.make(seed=-1)
    await bench.make(seed=0)
    drawn, given = (call.request.seed for call in bench.fake["a"].calls)
    assert 0 <= drawn <= MAX_SEED
    assert given == 0
    assert [call.request.seed for call in bench.fake["b"].calls] == [drawn, given]
    assert [row["seed"] for row in bench.rows("requests")] == [drawn, given]
    others = {(await bench.make()) and bench.fake["a"].calls[-1].request.seed for _ in range(3)}
    assert len(others | {drawn}) == 4


async def test_a_provider_is_asked_for_exactly_what_was_asked_of_us(build: Build) -> None:
    bench = build((entry("a"), painted()))
    await bench.make(prompt="狐狸", negative_prompt="blur", width=512, height=768, seed=5, steps=4,
                     guidance=2.5, model="m")  # fmt: skip
    assert bench.fake["a"].calls[0].request == base.PictureRequest(
        "狐狸", "blur", 512, 768, 5, 4, 2.5, "m"
    )


async def test_who_is_left_out_is_in_the_trail_in_the_order_of_the_plan(build: Build) -> None:
    def unset(name: str) -> Any:
        return entry(name, adapter="keyed", key_env=name.upper())

    bench = build(
        (unset("a"), painted()), (entry("b"), Unavailable("x")), (unset("c"), painted()),
        (entry("d"), painted()), (unset("e"), painted()), (entry("f"), painted()),
    )  # fmt: skip
    receipt = (await bench.make()).receipt
    assert trail(receipt.attempts) == [
        ("a", "skipped"), ("b", "unavailable"), ("c", "skipped"), ("d", "succeeded"),
        ("e", "skipped"),
    ]  # fmt: skip
    assert receipt.attempts[0].reason == "no key: set A"
    assert [row["provider"] for row in bench.rows("attempts")] == ["b", "d"]


@pytest.mark.parametrize(
    "raw", [{"prompt": ""}, {"width": 1}, {"seed": -2}, {"provider": "x"}, {"steps": True}]
)
async def test_nothing_is_asked_or_recorded_for_bad_input(
    build: Build, raw: dict[str, Any]
) -> None:
    bench = build((entry("a"), painted()))
    with pytest.raises(BadInput):
        await bench.make(**raw)
    assert bench.asked() == []
    assert [bench.rows(table) for table in ("requests", "attempts", "meters")] == [[], [], []]


async def test_an_attempt_is_written_before_the_provider_is_called_and_settled_after(
    build: Build,
) -> None:
    seen: list[dict[str, Any]] = []

    async def look() -> Picture:
        seen.extend(bench.rows("requests") + bench.rows("attempts") + bench.rows("meters"))
        return painted("0.01")

    bench = build((entry("a", "0.01"), look), budget=RICH)
    await bench.make()
    request, attempt, money = seen
    assert (request["prompt"], request["receipt"]) == ("a fox", None)
    assert (attempt["outcome"], attempt["billed"], attempt["cost_usd"]) == (
        "started",
        "maybe",
        None,
    )
    assert (attempt["request_id"], attempt["paid_by"]) == (request["id"], "budget")
    assert money["amount"] == 10_000_000
    (after,) = bench.rows("attempts")
    assert (after["outcome"], after["billed"], after["cost_usd"]) == (
        "succeeded",
        "yes",
        10_000_000,
    )


async def test_the_real_cost_is_what_the_budget_loses(build: Build) -> None:
    bench = build(
        (entry("a", None, ceiling_usd=Decimal("0.05")), painted("0.0123")),
        (entry("b", "0.02"), Unavailable("x")), (entry("c", "0.02"), painted(None)), budget=RICH,
    )  # fmt: skip
    await bench.make(provider="a")
    assert bench.studio.left_today(OWNER) == Decimal("0.9877")
    await bench.make(provider="c")  # unknown: the reservation stays
    assert bench.studio.left_today(OWNER) == Decimal("0.9677")
    with pytest.raises(NobodyCould):
        await bench.make(provider="b")  # failed: all of it comes back
    assert bench.studio.left_today(OWNER) == Decimal("0.9677")


async def test_of_many_requests_at_once_only_as_many_are_asked_as_can_be_paid(build: Build) -> None:
    bench = build((entry("a", "0.05"), painted("0.05")), budget=Budget(usd_per_day=Decimal("0.2")))
    results = await asyncio.gather(*(bench.make() for _ in range(12)), return_exceptions=True)
    failures = [result for result in results if isinstance(result, NobodyCould)]
    assert len(bench.fake["a"].calls) == 4
    assert len(failures) == 8
    assert all("over budget: it costs $0.05" in str(failure) for failure in failures)
    assert "$0 is left today" in str(failures[-1])


async def test_a_guest_spends_what_guests_may_and_no_more(build: Build) -> None:
    bench = build((entry("a", "0.05"), painted("0.05")), budget=RICH)
    for _ in range(2):
        await bench.make(GUEST)
    with pytest.raises(NobodyCould, match="budget"):
        await bench.make(GUEST)
    await bench.make(OWNER)
    assert len(bench.fake["a"].calls) == 3


async def test_an_allowance_runs_out_by_our_count_and_comes_back_by_the_clock(build: Build) -> None:
    two = Free(Decimal(2), "images", "day", "stops")
    bench = build((entry("a", "0.01", free=two), painted("0.01")))
    for _ in range(2):
        assert (await bench.make()).receipt.paid_by == "allowance"
    with pytest.raises(NobodyCould, match="credit is spent until 2026-03-15 00:00 UTC"):
        await bench.make()
    bench.clock.now += timedelta(hours=12)
    assert (await bench.make()).receipt.paid_by == "allowance"


async def test_a_failure_that_cost_nothing_takes_nothing_from_an_allowance(build: Build) -> None:
    one = Free(Decimal(1), "images", "day", "stops")
    bench = build((entry("a", "0.01", free=one), Unavailable("x"), OutcomeUnknown("y")))
    for word in ("unreachable", "begun", "credit is spent"):
        with pytest.raises(NobodyCould, match=word):
            await bench.make()


async def test_credit_in_dollars_is_used_up_also_where_the_cost_is_not_known(build: Build) -> None:
    credit = Free(Decimal("0.05"), "usd", "month", "stops")
    bench = build((entry("a", "0.02", free=credit), painted(None), painted("0.02")))
    for _ in range(2):
        assert (await bench.make()).receipt.paid_by == "allowance"
    with pytest.raises(NobodyCould, match="credit is spent"):
        await bench.make()


async def test_whoever_watches_is_told_who_is_asked_and_how_far_it_is(build: Build) -> None:
    bench = build((entry("a"), Unavailable("x")), (entry("b"), painted()))
    bench.fake["b"].reports = (Progress(0.5), Progress(queue_place=2))
    seen: list[Any] = []
    request = bench.studio.check(prompt="a fox")
    await bench.studio.generate(
        request,
        OWNER,
        lambda row, progress, so_far: seen.append((row.entry.name, progress, len(so_far))),
    )
    assert seen == [
        ("a", None, 0), ("b", None, 1), ("b", Progress(0.5), 1), ("b", Progress(queue_place=2), 1),
    ]  # fmt: skip


async def test_the_studio_closes_what_it_opened(build: Build) -> None:
    bench = build((entry("a"), painted()), (entry("b"), painted()))
    await bench.make()
    await bench.studio.aclose()
    assert (bench.fake["a"].closed, bench.fake["b"].closed) == (True, False)
    sqlite3.connect(bench.studio.folder / "ledger.db").execute("BEGIN EXCLUSIVE")


async def test_an_address_from_the_environment_wins(build: Build) -> None:
    local = entry("a", adapter="local", base_url="http://one", base_url_env="A_URL")
    bench = build((local, painted()), environ={"A_URL": " http://two "})
    assert bench.studio.config.providers["a"].base_url == "http://two"
    bench = build((local, painted()), environ={"A_URL": ""})
    assert bench.studio.config.providers["a"].base_url == "http://one"
