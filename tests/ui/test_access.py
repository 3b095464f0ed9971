"""axe finds no serious or critical violation, on any tab, light and dark, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.loopback import Answer
from tests.running import Running
from tests.ui.conftest import Freebrush, House

Open = Callable[..., Freebrush]
GRADIOS_OWN: dict[str, str] = {}
"""Violations that we cannot mend: the rule, and why."""


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    at: Open, shipped: Running, scheme: Literal["light", "dark"], locale: str
) -> None:
    it = at(shipped, locale=locale, color_scheme=scheme)
    it.make("a boat")
    it.page.get_by_role("button", name="Advanced" if locale == "en-US" else "高级").click()
    found = _serious(it)
    it.open_costs().locator(".opener").first.click()
    assert found + _serious(it) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_went_wrong_either(
    at: Open, house: House, scheme: Literal["light", "dark"]
) -> None:
    it = at(house.app, color_scheme=scheme, viewport={"width": 390, "height": 844})
    house.vendor.answer = Answer(fault="hang")
    it.prompt.fill("a boat in trouble")
    it.run.click()
    expect(it.result).to_contain_text("Asking Vendor")
    found = _serious(it)
    it.stop.click()
    expect(it.result).to_contain_text("Stopped.")
    found += _serious(it)
    house.vendor.answer = Answer(402, {}, {"error": "no credit"})
    it.run.click()
    expect(it.result).to_contain_text("Nobody could make the picture")
    found += _serious(it)
    for opener in it.open_costs().locator(".opener").all():
        opener.click()
    assert found + _serious(it) == []


def _serious(it: Freebrush) -> list[str]:
    violations = Axe().run(it.page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for violation in violations
        for node in violation["nodes"]
        if violation["impact"] in ("serious", "critical") and violation["id"] not in GRADIOS_OWN
    ]
