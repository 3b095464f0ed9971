"""What the page tells: when to try again, what is unknown or old, and all of it in two languages."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.loopback import Answer
from tests.ui.conftest import Freebrush, House

Open = Callable[..., Freebrush]


def test_a_prompt_that_is_too_long_stays_and_is_told_in_one_sentence(
    at: Open, house: House
) -> None:
    it = at(house.app)
    it.prompt.fill("a" * 2001)
    it.run.click()
    alert = it.result.get_by_role("alert")
    expect(alert).to_contain_text("The prompt must be at most 2000 characters long, not 2001")
    expect(alert.get_by_role("listitem")).to_have_count(0)
    expect(it.prompt).to_have_value("a" * 2001)


def test_a_price_that_nobody_knows_is_unknown_and_stands_below_the_line(
    at: Open, house: House
) -> None:
    rows = at(house.app).open_costs().locator("tbody tr:not(.more)")
    expect(rows).to_have_text(
        [
            re.compile(start)
            for start in ("^1Vendor", "^–Counted", "^Paid below", "^–Dear", "^–Nobody")
        ]
    )
    prices = [rows.nth(number).locator("td").nth(3) for number in (0, 1, 3, 4)]
    for price, says in zip(prices, ("$0", "$0.02", "$0.04", "unknown"), strict=True):
        expect(price).to_have_text(says)


def test_a_row_opened_by_mouse_tells_how_to_set_it_up_and_what_is_left(
    at: Open, house: House
) -> None:
    table = at(house.app).open_costs()
    row, more = table.locator("tbody tr").nth(2), table.locator("tr.more").nth(1)
    expect(row).to_contain_text(re.compile(r"\$0.10 of \$0.10.*our own count · resets 20\d\d-"))
    row.locator(".opener").click()
    expect(more).to_contain_text("$0.10 a month, then it stops")
    expect(more).to_contain_text("Ask for a key.")
    link = more.get_by_role("link", name="Get a key")
    expect(link).to_have_attribute("href", "https://counted.example/keys")


def test_a_number_from_long_ago_looks_old(at: Open, house: House) -> None:
    table = at(house.app).open_costs()
    more = table.locator("tr.more")
    expect(more.nth(1)).to_contain_text("2020-02, may be out of date · third party")


def test_the_switch_changes_all_of_the_page_and_keeps_what_was_typed(
    at: Open, house: House
) -> None:
    it = at(house.app)
    it.prompt.fill("a boat between languages")
    it.page.get_by_role("button", name="中文").click()
    expect(it.prompt).to_have_value("a boat between languages")
    expect(it.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(it.page.get_by_role("tab")).to_have_text(["创作", "费用与配额"])
    expect(it.page.locator("#header")).to_contain_text("付费已关闭")
    expect(it.plan).to_contain_text("供应商 (免费)")
    expect(it.page.locator(".chips button").first).to_contain_text("灯塔")
    house.vendor.answer = Answer(fault="hang")
    it.run.click()
    expect(it.result.get_by_role("timer")).to_have_text(re.compile(r"^\d+\.\d 秒$"))
    it.stop.click()
    expect(it.result).to_contain_text("已停止。")
    house.vendor.answer = Answer(402, {}, {"error": "no credit"})
    it.run.click()
    expect(it.result.get_by_role("alert")).to_contain_text("没有服务商能完成这张图片")
    assert re.search(b"between languages", house.vendor.server.requests[-1].body)
    expect(it.open_costs()).to_contain_text("以下为付费 · 设置预算前保持关闭")


def test_a_chip_is_in_the_language_of_the_page_and_runs_as_it_reads(at: Open, house: House) -> None:
    it = at(house.app, locale="zh-CN")
    it.page.get_by_role("button", name="飘雪中的纸狐狸").click()
    expect(it.image).to_have_attribute("alt", "飘雪中的纸狐狸")
