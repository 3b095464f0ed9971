"""The drill, as part of the tests, and that it would tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from studio.receipt import Attempt
from studio.router import Router
from tests.cells import ADAPTERS, FAULTS, PICTURE_FAULTS
from tests.drill import drill, faults, told


def test_no_fault_of_any_vendor_is_paid_for_twice() -> None:
    outcomes = asyncio.run(drill(faults(each=False)))
    kinds = {"dead host", *FAULTS, *PICTURE_FAULTS}
    assert told(outcomes) == (
        f"zero double charges in {len(kinds)} faults × {len(ADAPTERS)} vendors"
    )
    # It is not for want of trying: the second one answers where the first made nothing, and the
    # free one where it may have.
    answered = {one.attempts[-1].provider for one in outcomes}
    assert answered == {"first", "second", "free"}
    assert {one.accepted for one in outcomes if one.attempts[-1].provider == "second"} == {False}
    assert {one.attempts[0].billed for one in outcomes} == {"no", "maybe", "yes"}


def test_a_router_that_takes_a_chance_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    careful = Router._left_out_now

    def careless(self: Any, job: Any, row: Any, trail: Sequence[Attempt]) -> Any:
        return careful(self, job, row, [one for one in trail if one.billed != "maybe"])

    monkeypatch.setattr(Router, "_left_out_now", careless)
    few = [cell for cell in faults() if cell.name == "closed without an answer"]
    said = told(asyncio.run(drill(few)))
    assert f"{len(few)} of {len(few)} are wrong" in said
    assert "and yet a second paid one was asked" in said


def test_a_ledger_that_does_not_add_up_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.meters.correct", lambda *_: None)
    few = [cell for cell in faults() if cell.name == "dead host"]
    assert "the ledger says that $0.02 was spent" in told(asyncio.run(drill(few)))
