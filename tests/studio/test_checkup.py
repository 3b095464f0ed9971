"""The check-up: every entry gives a row, whatever its adapter does, and nobody is asked to paint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Check, NotConfigured, Provider, Quota, SendsPromptTo
from studio.budget import Budget
from studio.checkup import Checked, check_all
from tests.studio.conftest import Bench
from tests.studio.fakes import NOON, Scripted, entry, hang, painted

Build = Callable[..., Bench]
KEY = "a_key_that_nobody_must_see"


class Answering(Scripted):
    """Its `check` does as it is told, and keeps the keys that it was given."""

    def __init__(self, answer: Any) -> None:
        super().__init__([painted()])
        self.answer = answer
        self.keys: list[str | None] = []

    async def check(self, *, key: str | None) -> Check:
        self.keys.append(key)
        if isinstance(self.answer, BaseException):
            raise self.answer
        answer = await self.answer() if callable(self.answer) else self.answer
        assert isinstance(answer, Check)
        return answer


@pytest.fixture
def checked(build: Build, adapters: dict[str, Provider]) -> Callable[..., Any]:
    """The rows for entries that answer so, by name; and the bench."""

    async def check(
        *answers: tuple[Any, Any], seconds: float = 5, **config: Any
    ) -> tuple[dict[str, Checked], Bench]:
        bench = build(*((entry, painted()) for entry, _ in answers), **config)
        adapters.update({entry.name: Answering(answer) for entry, answer in answers})
        rows = await check_all(bench.studio, seconds)
        return {row.provider: row for row in rows}, bench

    return check


async def test_what_a_provider_says_is_the_row_and_its_key_is_used(
    checked: Any, adapters: Any
) -> None:
    quota = Quota(Decimal("12.5"), Decimal(25), "credits", NOON, NOON)
    rows, bench = await checked(
        (entry("good", adapter="keyed", key_env="K"), Check(True, "the key is good", quota)),
        (entry("bad"), Check(False, "the key was refused")),
        environ={"K": KEY},
    )
    assert rows["good"] == Checked("good", True, "the key is good", quota)
    assert rows["bad"] == Checked("bad", False, "the key was refused")
    assert adapters["good"].keys == [KEY]
    assert bench.rows("attempts") == bench.rows("requests") == []
    assert not adapters["good"].calls


async def test_whatever_an_adapter_raises_becomes_a_row(checked: Any) -> None:
    rows, _ = await checked(
        (entry("sdk"), NotConfigured("replicate is not installed; run: pip install replicate")),
        (entry("fault"), KeyError(KEY)),
        (entry("cancelled"), asyncio.CancelledError()),
        (entry("fine"), Check(True, "fine")),
    )
    said = {name: (row.ok, row.reason) for name, row in rows.items()}
    assert said == {
        "sdk": (False, "replicate is not installed; run: pip install replicate"),
        "fault": (False, "a fault in its adapter (KeyError)"),
        "cancelled": (False, "a fault in its adapter (CancelledError)"),
        "fine": (True, "fine"),
    }


async def test_an_adapter_that_cannot_even_be_made_becomes_a_row(
    build: Build, adapters: dict[str, Provider]
) -> None:
    bench = build((entry("unmade"), painted()))
    del adapters["unmade"]
    (row,) = await check_all(bench.studio)
    assert (row.ok, row.reason) == (False, "a fault in its adapter (KeyError)")


async def test_all_are_asked_at_once_and_who_hangs_is_left_behind(checked: Any) -> None:
    async def deaf() -> Check:
        """Does not heed being cancelled."""
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue
        return Check(True, "late")

    started = time.monotonic()
    rows, _ = await checked(
        (entry("a"), hang), (entry("b"), hang), (entry("c"), deaf),
        (entry("d"), Check(True, "quick")), seconds=0.3,
    )  # fmt: skip
    assert time.monotonic() - started < 0.3 * 2
    assert [rows[name].reason for name in "abc"] == ["no answer within 0.3 s"] * 3
    assert rows["d"].ok


async def test_rows_stand_in_the_order_of_the_plan_and_each_entry_has_one(checked: Any) -> None:
    fine = Check(True, "fine")
    rows, _ = await checked(
        (entry("aside"), fine), (entry("dear", "0.04"), fine), (entry("free"), fine),
        (entry("sample", adapter="drawn"), fine),
        fallback=("dear", "free", "free/m"), last_resort="sample",
    )  # fmt: skip
    assert list(rows) == ["free", "dear", "sample", "aside"]
    assert rows["sample"].sample
    assert rows["aside"].ok


async def test_what_is_not_set_up_or_kept_out_is_said_and_not_asked(
    checked: Any, adapters: Any
) -> None:
    fine = Check(True, "fine")
    us, volunteers = SendsPromptTo("nowhere"), SendsPromptTo("volunteers", "horde.example")
    rows, _ = await checked(
        (entry("keyless", adapter="keyed", key_env="K", sends_prompt_to=us), fine),
        (entry("nowhere", adapter="local", base_url_env="U", sends_prompt_to=us), fine),
        (entry("crowd", sends_prompt_to=volunteers), fine),
        privacy="companies", environ={},
    )  # fmt: skip
    assert not any(row.ok for row in rows.values())
    assert not any(adapters[name].keys for name in rows)
    assert rows["keyless"].reason == "no key: set K"
    assert rows["nowhere"].reason == "no address: set U"
    assert "horde.example" in rows["crowd"].reason


async def test_one_that_would_cost_money_is_not_ready_while_paid_is_off(checked: Any) -> None:
    rows, _ = await checked((entry("dear", "0.04"), Check(True, "the key is good")))
    assert not rows["dear"].ok
    assert rows["dear"].reason == "over budget: it costs $0.04 and paid is off; the key is good"
    rows, _ = await checked(
        (entry("dear", "0.04"), Check(True, "the key is good")),
        budget=Budget(usd_per_day=Decimal(1)),
    )
    assert rows["dear"].ok


async def test_no_key_and_no_control_character_gets_through(checked: Any) -> None:
    rows, _ = await checked(
        (entry("echo", adapter="keyed", key_env="K"), Check(False, f"no:\n\x1b[31m{KEY}\tis bad")),
        environ={"K": KEY},
    )
    assert rows["echo"].reason == "no: [31m••• is bad"
