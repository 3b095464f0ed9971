"""The page by keyboard alone, and for those who hear it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.loopback import Answer
from tests.ui.conftest import Freebrush, House

Open = Callable[..., Freebrush]


def test_the_focus_goes_from_run_to_stop_and_back(at: Open, house: House) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app)
    it.prompt.fill("a slow boat")
    it.run.focus()
    it.page.keyboard.press("Enter")
    expect(it.stop).to_be_focused()
    it.page.keyboard.press("Enter")
    expect(it.result).to_contain_text("Stopped.")
    expect(it.run).to_be_focused()


def test_what_can_be_done_with_a_picture_is_reached_by_keyboard(at: Open, house: House) -> None:
    it = at(house.app)
    it.make("a boat to keep")
    expect(it.run).to_be_visible()
    it.run.focus()
    for role, name in (("link", "Download"), ("button", "Same again"), ("button", "New seed")):
        it.page.keyboard.press("Tab")
        action = it.result.get_by_role(role, name=name)  # type: ignore[arg-type]
        expect(action).to_be_focused()
        expect(action).to_have_css("outline-style", "solid")


def test_tabs_and_rows_are_opened_by_keyboard(at: Open, house: House) -> None:
    it = at(house.app)
    tab = it.page.get_by_role("tab", name="Costs & quotas")
    it.page.get_by_role("tab", name="Create").focus()
    it.page.keyboard.press("Tab")
    expect(tab).to_be_focused()
    expect(tab).to_have_css("outline-style", "solid")
    it.page.keyboard.press("Enter")
    expect(it.page.locator("table.costs")).to_be_visible()
    it.page.keyboard.press("Tab")
    expect(it.page.get_by_role("button", name="Details of Vendor")).to_be_focused()
    it.page.keyboard.press("Enter")
    expect(it.page.locator("tr.more").first).to_be_visible()


def test_the_shortcut_runs_nothing_that_is_out_of_sight(at: Open, house: House) -> None:
    it = at(house.app)
    it.prompt.fill("a boat unseen")
    it.open_costs()
    it.page.keyboard.press("Control+Enter")
    it.page.get_by_role("tab", name="Create").click()
    it.make("a boat seen")
    assert not any(b"unseen" in request.body for request in house.vendor.server.requests)


def test_a_mac_is_told_its_own_shortcut(at: Open, house: House) -> None:
    it = at(house.app)
    expect(it.page.locator("#shortcut")).to_have_text("Ctrl + Enter")
    it.page.add_init_script('Object.defineProperty(navigator, "platform", {get: () => "MacIntel"})')
    it.page.reload(wait_until="domcontentloaded")
    expect(it.page.locator("#shortcut")).to_have_text("⌘ + Enter")


def test_what_happens_is_announced_and_the_stopwatch_is_not(at: Open, house: House) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app)
    expect(it.page.locator("#picture")).to_have_attribute("aria-live", "polite")
    it.prompt.fill("a slow boat")
    it.run.click()
    watch = it.page.locator("#picture").get_by_role("timer")
    expect(watch).to_have_attribute("aria-live", "off")
    it.stop.click()
    expect(it.page.locator("#picture").get_by_role("alert")).to_contain_text("Stopped.")
    advanced = it.page.get_by_role("button", name="Advanced")
    expect(advanced).to_have_attribute("aria-expanded", "false")
    advanced.click()
    expect(advanced).to_have_attribute("aria-expanded", "true")
