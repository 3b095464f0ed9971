"""The cost table: the plan of this moment in the columns of the contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Free, NotConfigured, Quota, RateLimited, SendsPromptTo, Unavailable
from studio.costs import HEADERS, cost_rows, free_words
from studio.keys import account_of
from studio.receipt import NobodyCould
from tests.studio.conftest import OWNER, Bench
from tests.studio.fakes import NOON, entry, painted

CREDIT = Free(Decimal("0.10"), "usd", "month", "stops")
KNOWN = {
    "rating": 4, "paid": {"zh": "专业版", "en": "PRO"}, "sends_prompt_to": SendsPromptTo("company", "a.org"),
    "source": "https://a.org/prices", "as_of": "2026-03", "confidence": "official",
    "verified": "wire",
}  # fmt: skip


async def table(bench: Bench) -> list[dict[str, Any]]:
    rows = cost_rows(await bench.studio.plan(OWNER), await bench.studio.figures())
    return [dict(zip(HEADERS, row, strict=True)) for row in rows]


def test_the_columns_are_those_of_the_contract() -> None:
    assert HEADERS == ["place", "provider", "model", "state", "reason", "usd", "paid_by", "free", "left", "left_source", "resets_at", "pictures", "successes", "median_seconds", "spent_usd", "rating", "paid", "sends_prompt_to", "source", "as_of", "confidence", "verified"]  # fmt: skip


async def test_the_rows_are_the_plan_in_its_order(build: Callable[..., Bench]) -> None:
    bench = build(
        (entry("dear", "0.5"), painted()), (entry("unset", adapter="keyed", key_env="K"), painted()),
        (entry("a", "0.003", free=CREDIT, **KNOWN), painted("0.003")), (entry("b"), painted()),
        (entry("z", adapter="drawn"), painted()), last_resort="z",
    )  # fmt: skip
    await bench.make(provider="a")
    rows = await table(bench)
    plan = await bench.studio.plan(OWNER)
    assert [(row["place"], row["provider"], row["state"]) for row in rows] == [
        (row.place, row.entry.name, row.state) for row in plan
    ]
    assert [(row["place"], row["provider"], row["state"]) for row in rows] == [
        (None, "unset", "no_key"), (1, "a", "ready"), (2, "b", "ready"),
        (None, "dear", "over_budget"), (3, "z", "last_resort"),
    ]  # fmt: skip
    assert rows[0]["reason"] == "no key: set K"
    a = rows[1]
    assert isinstance(a.pop("median_seconds"), float)
    assert a == {
        "place": 1, "provider": "a", "model": "m", "state": "ready", "reason": "", "usd": 0.003,
        "paid_by": "allowance", "free": "0.10 usd per month, then stops", "left": 0.097,
        "left_source": "our count", "resets_at": "2026-04-01T00:00:00+00:00", "pictures": 1,
        "successes": 1, "spent_usd": 0.003, "rating": 4, "paid": "PRO",
        "sends_prompt_to": "company a.org", "source": "https://a.org/prices", "as_of": "2026-03",
        "confidence": "official", "verified": "wire",
    }  # fmt: skip


async def test_what_is_not_known_is_none_and_never_zero(build: Callable[..., Bench]) -> None:
    some = Free(Decimal(60), "gpu_seconds", "day", "stops")
    bench = build((entry("a", None, free=some), painted(None)), (entry("b"), painted()))
    before, free = await table(bench)
    assert (before["usd"], before["left"], before["left_source"]) == (None, None, None)
    assert (before["spent_usd"], before["pictures"], before["median_seconds"]) == (0, 0, None)
    for name in ("rating", "paid", "source", "as_of", "confidence", "verified", "sends_prompt_to"):
        assert before[name] is None
    assert (free["usd"], free["free"], free["resets_at"]) == (0, None, None)
    await bench.make(provider="a")
    after, _ = await table(bench)
    assert (after["pictures"], after["successes"], after["spent_usd"]) == (1, 1, None)


async def test_what_is_known_of_the_money_is_shown_beside_failures(
    build: Callable[..., Bench],
) -> None:
    credit = entry("a", "0.003", free=CREDIT)
    bench = build((credit, painted("0.003"), Unavailable("x")))
    await bench.make()
    with pytest.raises(NobodyCould):
        await bench.make()
    (row,) = await table(bench)
    assert (row["pictures"], row["successes"], row["spent_usd"], row["left"]) == (
        2,
        1,
        0.003,
        0.097,
    )


async def test_what_is_left_says_whether_we_counted_or_the_service_and_when(
    build: Callable[..., Bench],
) -> None:
    credit = entry("a", "0.003", free=CREDIT)
    bench = build((credit, painted("0.003")))
    (before,) = await table(bench)
    said_at = NOON - timedelta(minutes=5)
    resets_at = NOON + timedelta(days=2)
    quota = Quota(Decimal("0.05"), Decimal("0.10"), "usd", resets_at, said_at)
    bench.studio.ledger.record_quota(credit, account_of(None), quota)
    (said,) = await table(bench)
    await bench.make()
    (after,) = await table(bench)
    keys = "left", "left_source", "resets_at"
    by_the_service = "the service, 2026-03-14T11:55:00+00:00"
    assert [[row[key] for key in keys] for row in (before, said, after)] == [
        [0.1, "our count", "2026-04-01T00:00:00+00:00"],
        [0.05, by_the_service, "2026-03-16T12:00:00+00:00"],
        [0.047, by_the_service, "2026-03-16T12:00:00+00:00"],
    ]


async def test_who_rests_and_who_is_not_set_up_is_shown_with_the_reason(
    build: Callable[..., Bench],
) -> None:
    until = NOON + timedelta(hours=2)
    bench = build(
        (entry("a"), RateLimited("slow down", until)), (entry("b"), NotConfigured("401 bad key")),
        (entry("c"), painted()),
    )  # fmt: skip
    made = await bench.make()
    a, b, c = await table(bench)
    assert [(row["place"], row["state"]) for row in (a, b, c)] == [
        (None, "resting"), (None, "not_set_up"), (1, "ready"),
    ]  # fmt: skip
    assert a["reason"] == "resting until 14:00:00 UTC after a failure"
    assert b["reason"] == "not set up, until another start or another key: 401 bad key"
    assert [(row["pictures"], row["successes"]) for row in (a, b, c)] == [(1, 0), (1, 0), (1, 1)]
    assert made.receipt.provider == "c"


async def test_page_router_and_receipt_go_by_the_same_plan(build: Callable[..., Bench]) -> None:
    one = Free(Decimal(1), "images", "day", "stops")
    bench = build(
        (entry("unset", adapter="keyed", key_env="K"), painted()),
        (entry("spent", free=one), painted()), (entry("dear", "0.5"), painted()),
        (entry("free"), painted()),
    )  # fmt: skip
    await bench.make(provider="spent")
    rows = await table(bench)
    attempts = (await bench.make()).receipt.attempts
    shown = [(row["provider"], row["reason"]) for row in rows if not row["place"]]
    assert shown == [
        ("unset", "no key: set K"),
        ("spent", "included credit is spent until 2026-03-15 00:00 UTC"),
        ("dear", "over budget: it costs $0.5 and paid is off"),
    ]
    assert [(one.provider, one.reason) for one in attempts if one.outcome == "skipped"] == shown


@pytest.mark.parametrize(
    ("free", "words"),
    [
        (None, None),
        (Free(Decimal(0), "images", "day"), "0 images per day, then unknown"),
        (Free(Decimal(10_000), "neurons", "day", "stops"), "10000 neurons per day, then stops"),
        (Free(Decimal(25), "images", "once", "bills"), "25 images once, then bills"),
        (Free(Decimal("1E+3"), "images", "month", "bills"), "1000 images per month, then bills"),
    ],
)
def test_an_allowance_is_one_phrase(free: Free | None, words: str | None) -> None:
    assert free_words(free) == words
