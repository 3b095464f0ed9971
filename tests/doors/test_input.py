"""Raw calls of `/generate` that are no request at all, or say only a part of one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import House

FIRST = ["a fox", "free", "any"]


def test_a_raw_call_may_leave_out_the_last_arguments(house: House) -> None:
    log = len(house.app.log)
    answer = house.post("generate", {"data": FIRST})
    assert "event: complete" in answer
    _, receipt = json.loads(answer.partition("data: ")[2])
    sent = house.vendor.requests[-1].json
    assert sent["inputs"] == "a fox"
    assert (sent["parameters"]["width"], sent["parameters"]["height"]) == (1024, 1024)
    assert receipt["notes"] == ["made 640×480 instead of 1024×1024"]
    assert "Traceback" not in house.app.log[log:]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "prompt must not be empty; write up to 2000 characters"),
        ([5], "prompt must be text of at most 2000 characters, not 5"),
        ([*FIRST, "", 9], "width must be a whole number from 64 to 2048, not 9"),
        (["a fox", "\ud800"], "provider '?' is not known; known are auto, sketch, at-401"),
        (["a fox", "free", "x" * 500], "model 'xxxxxxxx"),
        (["a fox", {"a": 1}], "provider must be text of at most 200 characters, not a dict"),
    ],
    ids=str,
)
def test_too_few_values_are_checked_like_all_others(
    house: House, data: list[Any], sentence: str
) -> None:
    rows, sent = house.query("select count(*) from requests"), len(house.vendor.requests)
    log = len(house.app.log)
    answer = house.post("generate", {"data": data})
    assert json.loads(answer.partition("data: ")[2])["error"].startswith(sentence)
    assert house.query("select count(*) from requests") == rows
    assert len(house.vendor.requests) == sent
    assert "Traceback" not in house.app.log[log:]


@pytest.mark.parametrize("body", [[1], {}, {"data": None}, {"data": {"prompt": "a fox"}}], ids=str)
def test_a_body_of_another_shape_is_refused_by_its_place(house: House, body: Any) -> None:
    log = len(house.app.log)
    answer = house.post("generate", body)
    assert answer.startswith("422 ")
    assert json.loads(answer[4:])["detail"][0]["loc"][0] == "body"
    assert "Traceback" not in house.app.log[log:]


def test_nobody_makes_the_app_read_its_own_files_as_input(house: House) -> None:
    sent = len(house.vendor.requests)
    ledger = str(house.app.folder / "data" / "ledger.db")
    file = {"path": ledger, "meta": {"_type": "gradio.FileData"}}
    assert "event: error" in house.post("v2/generate", {"prompt": file})
    assert len(house.vendor.requests) == sent
