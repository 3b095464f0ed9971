"""The Costs and quotas tab in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.running import Running
from tests.ui.conftest import Freebrush, House

Open = Callable[..., Freebrush]


def test_the_rows_are_the_plan_with_the_paid_ones_below_the_line(at: Open, house: House) -> None:
    it = at(house.app)
    table = it.open_costs()
    rows = table.locator("tbody tr:not(.more)")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text("1")
    expect(rows.nth(0)).to_contain_text("Vendor")
    expect(rows.nth(0)).to_contain_text("ready")
    expect(rows.nth(2)).to_have_text("Paid below this line · off until a budget is set")
    expect(rows.nth(3)).to_contain_text("over budget: it costs $0.04 and paid is off")


def test_a_row_opens_by_keyboard_and_shows_where_its_numbers_come_from(
    at: Open, house: House
) -> None:
    it = at(house.app)
    table = it.open_costs()
    opener = table.get_by_role("button", name="Details of Vendor")
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.focus()
    it.page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    more = table.locator("tr.more").first
    for text in (
        "always free", "vendor.example, a company", "★★★★☆", "2026-08 · official",
        "against its wire format only",
    ):  # fmt: skip
        expect(more).to_contain_text(text)
    expect(more.get_by_role("link")).to_have_attribute("href", "https://vendor.example/prices")
    opener.click()
    expect(more).to_be_hidden()


@pytest.mark.parametrize(
    ("locale", "wire", "live"),
    [
        ("en-US", "against its wire format only", "live, on 2026-11-24"),
        ("zh-CN", "仅按其协议格式", "于 2026-11-24 实际调用"),
    ],
)
def test_each_row_says_in_words_how_it_was_verified(
    at: Open, house: House, locale: str, wire: str, live: str
) -> None:
    table = at(house.app, locale=locale).open_costs()
    for number, words in ((0, wire), (2, live)):
        table.locator(".opener").nth(number).click()
        expect(table.locator("tr.more").nth(number)).to_contain_text(words)


def test_figures_are_new_when_the_tab_is_opened_again(at: Open, house: House) -> None:
    it = at(house.app)
    before = it.open_costs().locator("tbody tr").first.inner_text()
    it.page.get_by_role("tab").nth(0).click()
    it.make("a boat to count")
    it.open_costs()
    row = it.page.locator("table.costs tbody tr").first
    expect(row).not_to_have_text(before)


def test_an_entry_without_a_key_says_how_to_get_one(at: Open, shipped: Running) -> None:
    it = at(shipped)
    table = it.open_costs()
    table.get_by_role("button", name="Details of Hugging Face").click()
    more = table.locator("tr.more").first
    expect(more).to_contain_text("$0.10 a month, then it stops")
    expect(more).to_contain_text("Sources disagree")
    link = more.get_by_role("link", name="Get a key")
    expect(link).to_have_attribute("href", "https://huggingface.co/settings/tokens")


def test_the_sample_leads_to_the_costs(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.make("a boat")
    it.page.get_by_role("button", name="For a real picture, set up a provider.").click()
    expect(it.page.locator("table.costs")).to_be_visible()
