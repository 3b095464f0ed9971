"""Where things stand: nothing jumps, and on a phone what matters is in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.canned import picture
from tests.loopback import Answer
from tests.ui.conftest import Freebrush, House

Open = Callable[..., Freebrush]
PHONE = {"width": 390, "height": 844}


def place(of: Locator) -> dict[str, Any]:
    expect(of).to_be_visible()
    box = of.bounding_box()
    assert box is not None
    return {side: round(value) for side, value in box.items()}


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["wide", "phone"])
def test_stop_stands_where_run_stood(at: Open, house: House, viewport: dict[str, int]) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app, viewport=viewport)
    before = place(it.run)
    it.prompt.fill("a slow boat")
    it.run.click()
    assert place(it.stop) == before
    it.stop.click()
    assert place(it.run) == before


@pytest.mark.parametrize(("width", "height"), [(256, 256), (144, 256), (256, 144)])
def test_the_picture_comes_into_the_frame_that_waited_for_it(
    at: Open, house: House, width: int, height: int
) -> None:
    house.vendor.answer = Answer(fault="hang")
    it = at(house.app, viewport={"width": 1440, "height": 900})
    frame = place(it.result.locator(".empty"))
    it.prompt.fill("a boat in its frame")
    it.run.click()
    expect(it.result).to_contain_text("Asking Vendor")
    assert place(it.result.locator(".empty")) == frame
    it.stop.click()
    expect(it.result).to_contain_text("Stopped.")  # else it is still under way for the next one
    expect(it.run).to_be_visible()
    house.vendor.answer = Answer(
        headers={"content-type": "image/png"}, body=picture("png", width, height)
    )
    shown = place(it.make("a boat in its frame"))
    assert place(it.result.locator(".frame")) == frame
    assert shown["width"] <= frame["width"]
    assert shown["height"] <= frame["height"]
    assert shown["width"] / shown["height"] == pytest.approx(width / height, abs=0.01)


def test_on_a_phone_what_comes_of_a_run_is_brought_into_sight(at: Open, house: House) -> None:
    it = at(house.app, viewport=PHONE)
    it.run.click()
    alert = it.result.get_by_role("alert")
    expect(alert).to_be_in_viewport()
    it.prompt.fill("a boat to be seen")
    it.run.click()
    expect(it.image).to_be_in_viewport()


def test_on_a_phone_columns_and_rows_stack(at: Open, house: House) -> None:
    it = at(house.app, viewport=PHONE)
    form, result = place(it.page.locator("#create > .card").first), place(it.result)
    assert (form["x"], form["width"]) == (result["x"], result["width"])
    assert form["y"] + form["height"] < result["y"]
    table = it.open_costs()
    expect(table.locator("thead")).to_be_hidden()
    row = table.locator("tbody tr").first
    name, price = place(row.locator("td").nth(1)), place(row.locator("td").nth(3))
    assert name["y"] + name["height"] <= price["y"]
    expect(row.locator("td").nth(3)).to_have_attribute("data-head", "Per picture")
    for opener in table.locator(".opener").all():
        opener.click()
    assert it.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.parametrize(
    ("scheme", "paper", "card"),
    [
        ("light", "rgb(251, 250, 247)", "rgb(255, 255, 255)"),
        ("dark", "rgb(20, 23, 26)", "rgb(28, 32, 36)"),
    ],
)
def test_the_colours_are_those_of_the_palette(
    at: Open, house: House, scheme: str, paper: str, card: str
) -> None:
    it = at(house.app, color_scheme=scheme)
    expect(it.page.locator("body")).to_have_css("background-color", paper)
    expect(it.result).to_have_css("background-color", card)
    it.page.get_by_label("Provider").click()
    expect(it.page.locator(".options")).to_have_css("background-color", card)
