"""The cost table: the plan of this moment in the columns of the contract."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Free, SendsPromptTo, Unavailable
from studio.costs import HEADERS, cost_rows, free_words
from studio.receipt import NobodyCould
from tests.studio.conftest import OWNER, Bench
from tests.studio.fakes import entry, painted

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
