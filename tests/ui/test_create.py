"""The Create tab in a real browser."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.loopback import Answer
from tests.running import Running
from tests.ui.conftest import PNG, Freebrush, House, new_house

Open = Callable[..., Freebrush]


def test_with_nothing_set_up_a_prompt_gives_a_sample_that_says_so(
    at: Open, shipped: Running
) -> None:
    it = at(shipped)
    # Both were asked at the start whether they are there; of two that are not, one is tried.
    either = r"(ZeroGPU Space \(free\)( → AI Horde \(free\))?|AI Horde \(free\))"
    expect(it.plan).to_contain_text(re.compile(f"Auto asks {either} · you pay \\$0 · paid is off"))
    expect(it.prompt).to_be_focused()
    began = time.monotonic()
    image = it.make('A "red" boat <b>at dusk</b>')
    assert time.monotonic() - began < 3
    expect(image).to_have_attribute("alt", 'A "red" boat <b>at dusk</b>')
    expect(it.result).to_contain_text("A sample, drawn from your words. No model made it.")
    badges = it.result.locator(".badges")
    expect(badges).to_contain_text(
        re.compile(r"Built-in sketch\s*sample\s*\d\.\d s\s*\$0\s*seed \d+")
    )
    expect(badges).to_contain_text("1024×1024")
    expect(it.result.locator(".trail")).to_contain_text("no key: set HF_TOKEN")
    expect(it.result.locator(".trail")).to_contain_text("no address: set A1111_URL")
    trail = re.compile(r"ZeroGPU Space(.*unreachable|resting until \d)")
    expect(it.result.locator(".trail")).to_contain_text(trail)


def test_what_is_downloaded_is_what_was_stored(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.make("a blue boat")
    with it.page.expect_download() as download:
        it.page.get_by_role("link", name="Download").click()
    sha256 = hashlib.sha256(download.value.path().read_bytes()).hexdigest()
    pictures = shipped.folder / "data" / "pictures"
    assert sha256 in {path.stem for path in pictures.rglob("*.png")}
    assert sha256 in {json.loads(path.read_text())["sha256"] for path in pictures.rglob("*.json")}


def test_a_chip_fills_the_prompt_and_runs(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.page.get_by_role("button", name="A paper fox in falling snow").click()
    expect(it.image).to_have_attribute("alt", "A paper fox in falling snow")
    expect(it.prompt).to_have_value("A paper fox in falling snow")


def test_same_again_is_the_same_picture_and_a_new_seed_another(at: Open, shipped: Running) -> None:
    def shown() -> str:
        return str(it.image.get_attribute("src")).partition("?")[0]

    it = at(shipped)
    it.make("a green boat")
    first = shown()
    it.page.get_by_role("button", name="New seed").click()
    expect(it.image).not_to_have_attribute("src", re.compile(re.escape(first)))
    second = shown()
    it.page.get_by_role("button", name="Same again").click()
    expect(it.stop).to_be_hidden()
    expect(it.image).to_have_attribute("src", re.compile(re.escape(second)))


def test_the_dice_draws_a_seed_that_is_used_and_the_shape_is_kept(
    at: Open, shipped: Running
) -> None:
    it = at(shipped)
    it.page.get_by_role("button", name="Advanced").click()
    it.page.locator("#dice").click()
    seed = it.page.get_by_role("textbox", name=re.compile("^Seed"))
    expect(seed).to_have_value(re.compile(r"^\d+$"))
    it.page.get_by_text("16:9 · 1344×768").click()
    it.make("a wide sea")
    expect(it.result.locator(".badges")).to_contain_text(f"seed {seed.input_value()}")
    expect(it.result.locator(".badges")).to_contain_text("1344×768")


def test_while_it_runs_the_page_says_who_is_asked_and_stop_ends_it(at: Open, house: House) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app)
    it.prompt.fill("a slow boat")
    it.page.keyboard.press("Control+Enter")
    expect(it.result).to_contain_text("Asking Vendor")
    expect(it.result.locator("[data-elapsed]")).to_have_text(re.compile(r"^[1-9]\d*\.\d s$"))
    expect(it.run).to_be_hidden()
    it.stop.click()
    expect(it.result).to_contain_text("Stopped.")
    expect(it.prompt).to_have_value("a slow boat")
    expect(it.run).to_be_visible()
    expect(it.stop).to_be_hidden()
    assert house.outcomes()[-1] == "unavailable"
    house.vendor.answer = PNG
    it.make("a quick boat")


def test_a_second_run_is_not_begun_while_one_is_under_way(at: Open, house: House) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app)
    it.prompt.fill("a slow boat")
    it.page.keyboard.press("Control+Enter")
    expect(it.result).to_contain_text("Asking Vendor")
    sent = len(house.vendor.server.requests)
    it.page.get_by_role("button", name="A paper fox in falling snow").click()
    expect(it.prompt).to_have_value("A paper fox in falling snow")
    expect(it.stop).to_be_visible()
    it.stop.click()
    expect(it.result).to_contain_text("Stopped.")
    assert len(house.vendor.server.requests) == sent


def test_closing_the_tab_ends_the_run(at: Open, house: House) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app)
    it.prompt.fill("a slow boat")
    it.page.keyboard.press("Control+Enter")
    expect(it.result).to_contain_text("Asking Vendor")
    assert house.outcomes()[-1] == "started"
    it.page.close()
    ends = time.monotonic() + 10
    while house.outcomes()[-1] == "started" and time.monotonic() < ends:
        time.sleep(0.05)
    assert house.outcomes()[-1] == "unavailable"


def test_a_refused_key_is_told_and_not_tried_again(at: Open, tmp_path: Path) -> None:
    with new_house(tmp_path) as house:
        house.vendor.answer = Answer(401, {}, {"error": "bad token"})
        it = at(house.app)
        it.prompt.fill("a boat in trouble")
        it.page.keyboard.press("Control+Enter")
        expect(it.result.get_by_role("alert")).to_contain_text("Check the key of Vendor")
        expect(it.prompt).to_have_value("a boat in trouble")
        asked = len(house.vendor.server.requests)
        house.vendor.answer = PNG
        it.page.keyboard.press("Control+Enter")
        trail = it.result.locator(".trail")
        expect(trail).to_contain_text("not set up, until another start or another key")
        assert len(house.vendor.server.requests) == asked


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(402, {}, {"error": "You have depleted your credits"}), "wait for the allowance"),
        (Answer(429, {"retry-after": "90"}, {"error": "slow down"}), "Wait a little"),
        (Answer(422, {}, [{"type": "content_policy_violation"}]), "Change the prompt"),
        (Answer(503, {}, {"error": "down"}), "Vendor could not be reached. Try again"),
    ],
    ids=["credit", "rate", "refused", "down"],
)
def test_a_failure_says_what_to_do_next_and_the_next_run_works(
    at: Open, house: House, answer: Answer, says: str
) -> None:
    house.vendor.answer = answer
    it = at(house.app)
    it.prompt.fill("a boat in trouble")
    it.page.keyboard.press("Control+Enter")
    expect(it.result.get_by_role("alert")).to_contain_text(says)
    expect(it.result.locator(".trail")).to_contain_text("Vendor")
    if answer.status == 429:
        again = re.compile(r"Vendor may be asked again after 20\d\d-\d\d-\d\d \d\d:\d\d UTC\.")
        expect(it.result.get_by_role("alert")).to_contain_text(again)
        expect(it.result.locator(".trail")).to_contain_text(
            re.compile(r"asked again after 20\d\d-")
        )
    expect(it.prompt).to_have_value("a boat in trouble")
    house.vendor.answer = PNG
    it.make("a boat saved")


def test_bad_input_is_told_by_its_field_and_nothing_is_lost(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.run.click()
    expect(it.result.get_by_role("alert")).to_contain_text("The prompt must not be empty")
    it.prompt.fill("a fox")
    it.page.get_by_role("button", name="Advanced").click()
    it.page.get_by_label("Steps").fill("9999")
    it.run.click()
    expect(it.result).to_contain_text("Steps must be a whole number from 1 to 150, not 9999")
    expect(it.prompt).to_have_value("a fox")
    expect(it.page.get_by_label("Steps")).to_have_value("9999")


def test_the_form_says_before_the_run_who_will_be_asked(at: Open, house: House) -> None:
    it = at(house.app)
    expect(it.plan).to_contain_text("Auto asks Vendor (free) · you pay $0 · paid is off")
    provider, model = it.page.get_by_label("Provider"), it.page.get_by_label("Model")
    provider.click()
    options = it.page.get_by_role("option")
    expect(options).to_have_text(
        [
            re.compile("Auto, free first$"),
            re.compile("Vendor · free$"),
            re.compile("Counted · no key: set HF_TOKEN$"),
            re.compile("Dear · over budget.*0.04.*paid is off$"),
            re.compile("Nobody knows · over budget: its price is unknown"),
        ]
    )
    options.nth(1).click()
    expect(it.plan).to_contain_text("Vendor Vendor (free) · you pay $0")
    model.click()
    expect(options).to_have_text([re.compile(end) for end in ("own$", "first$", "other$")])
    options.nth(2).click()
    it.make("a boat by the other model")
    expect(it.result.locator(".badges")).to_contain_text("other")


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ("zh-CN", "生成图片"),
        ("zh-HK", "生成图片"),
        ("zh", "生成图片"),
        ("fr-FR", "Make the picture"),
    ],
)
def test_the_language_is_the_browsers(at: Open, shipped: Running, locale: str, says: str) -> None:
    it = at(shipped, locale=locale)
    expect(it.run).to_have_text(says)


def test_the_language_can_be_switched_and_is_remembered(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.page.get_by_role("button", name="中文").click()
    expect(it.run).to_have_text("生成图片")
    expect(it.plan).to_contain_text(
        re.compile(r"自动 依次询问 (ZeroGPU Space|AI Horde) \(免费\).* · 你付 \$0 · 付费已关闭")
    )
    it.page.goto(shipped.url, wait_until="domcontentloaded")
    expect(it.run).to_have_text("生成图片")
    it.run.click()
    expect(it.result).to_contain_text("提示词不能为空，最多 2000 个字符")
    it.page.get_by_role("tab").nth(1).click()
    expect(it.page.locator("table.costs")).to_contain_text("无密钥：请设置 HF_TOKEN")


def test_on_a_phone_nothing_overflows_and_run_is_within_reach(at: Open, shipped: Running) -> None:
    it = at(shipped, viewport={"width": 390, "height": 844})

    def width() -> Any:
        return it.page.evaluate("document.documentElement.scrollWidth")

    box = it.run.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    it.make("a small boat")
    assert width() == 390
    it.open_costs()
    assert width() == 390


def test_everything_is_reached_by_keyboard_alone(at: Open, shipped: Running) -> None:
    it = at(shipped)
    it.page.keyboard.type("a boat by hand")
    reached = []
    for _ in range(24):
        it.page.keyboard.press("Tab")
        name = it.page.evaluate(
            "(() => { const e = document.activeElement; "
            "return (e.ariaLabel || e.innerText || e.id || e.tagName).trim().slice(0, 24) })()"
        )
        reached.append(name)
        if name == "Make the picture":
            break
    assert any("paper fox" in name for name in reached)
    assert any("Provider" in name for name in reached)
    assert reached[-1] == "Make the picture"
    shadow = "getComputedStyle(document.activeElement).outlineStyle"
    assert it.page.evaluate(shadow) == "solid"
    it.page.keyboard.press("Enter")
    expect(it.image).to_be_visible()
