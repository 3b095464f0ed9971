"""`/generate` as its real client and as raw HTTP call it, against a vendor on loopback."""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gradio_client.exceptions import AppError

from tests.api.conftest import KEY, VENDOR, House
from tests.canned import picture

RECEIPT = {
    "request_id", "provider", "model", "seed", "width", "height", "media_type", "sha256", "seconds",
    "cost_usd", "paid_by", "sample", "notes", "attempts",
}  # fmt: skip
ATTEMPT = {
    "provider", "model", "outcome", "reason", "seconds", "cost_usd", "billed", "retry_at",
}  # fmt: skip
OUTCOMES = [
    ("e401", "not_configured"), ("e402", "quota_exhausted"), ("e410", "unsupported"),
    ("e429", "rate_limited"), ("e503", "unavailable"), ("html", "unavailable"),
    ("nothing", "unavailable"), ("silent", "unavailable"), ("half", "unavailable"),
    ("truncated", "unavailable"),
]  # fmt: skip


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_the_vendors_bytes_arrive_unchanged_with_a_true_receipt(house: House, form: str) -> None:
    entry = "good" if form == "png" else form
    data, receipt = house.generate(prompt="a fox", provider=entry, seed=7, width=128, height=96)
    assert data == picture(form, 96, 80)
    assert set(receipt) == RECEIPT
    assert set(receipt["attempts"][0]) == ATTEMPT
    expected = {
        "provider": entry, "model": "some/model", "seed": 7, "width": 96, "height": 80,
        "media_type": f"image/{form}", "sha256": hashlib.sha256(data).hexdigest(), "cost_usd": 0,
        "paid_by": "free", "sample": False, "notes": ["made 96×80 instead of 128×96"],
    }  # fmt: skip
    assert {key: receipt[key] for key in expected} == expected
    assert receipt["attempts"][0]["outcome"] == "succeeded"
    sent = house.vendor.to("/" + entry)[-1]
    assert sent.json["parameters"]["seed"] == 7
    assert sent.headers["authorization"] == f"Bearer {KEY}"


def test_a_drawn_seed_is_the_one_in_the_receipt(house: House) -> None:
    _, receipt = house.generate(prompt="a fox", provider="good")
    assert house.vendor.to("/good")[-1].json["parameters"]["seed"] == receipt["seed"]


def test_a_paid_picture_says_what_it_cost_and_who_paid(house: House) -> None:
    _, receipt = house.generate(prompt="a fox", provider="paidgood")
    assert (receipt["cost_usd"], receipt["paid_by"]) == (0.01, "budget")
    assert receipt["attempts"][0]["billed"] == "yes"


def test_the_sample_says_that_it_is_one(house: House) -> None:
    data, receipt = house.generate(prompt="a fox", provider="sketch")
    assert receipt["sample"] is True
    assert data.startswith(b"\x89PNG")


@pytest.mark.parametrize(("entry", "outcome"), OUTCOMES)
def test_the_trail_names_what_became_of_each_entry(house: House, entry: str, outcome: str) -> None:
    with pytest.raises(AppError) as caught:
        house.generate(prompt="a fox", provider=entry)
    assert entry in str(caught.value)
    assert KEY not in str(caught.value)
    [(found, billed)] = house.query(
        "select outcome, billed from attempts where id = (select max(id) from attempts)"
    )
    assert (found, billed) == (outcome, "no")


def test_a_refusal_stops_with_the_vendors_word(house: House) -> None:
    with pytest.raises(AppError, match="refused"):
        house.generate(prompt="a fox", provider="refused")


@pytest.mark.parametrize("entry", ["paidnothing", "paidhalf", "paidsilent"])
def test_a_paid_picture_that_is_lost_may_have_been_billed(house: House, entry: str) -> None:
    with pytest.raises(AppError, match="may have been billed"):
        house.generate(prompt="a fox", provider=entry)
    [row] = house.query(
        "select outcome, billed, cost_usd from attempts order by id desc limit 1"
    )  # fmt: skip
    assert row == ("outcome_unknown", "maybe", None)


def test_calls_do_not_wait_for_each_other(house: House) -> None:
    before = house.query("select count(*) from attempts where outcome = 'succeeded'")[0][0]
    began = time.monotonic()
    with ThreadPoolExecutor(21) as pool:
        slow = pool.submit(house.client.predict, "a fox", "silent", api_name="/generate")
        made = list(pool.map(lambda _: house.generate(prompt="a", provider="good"), range(20)))
        quick = time.monotonic() - began
        with pytest.raises(AppError):
            slow.result()
    assert time.monotonic() - began > quick  # the slow one was still on its way
    assert {receipt["provider"] for _, receipt in made} == {"good"}
    after = house.query("select count(*) from attempts where outcome = 'succeeded'")[0][0]
    assert after - before == 20


BAD: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt must not be empty; write up to 2000 characters"),
    ({"prompt": " \n"}, "prompt must not be empty"),
    ({"prompt": "x" * 100_000}, "prompt must be at most 2000 characters long, not 100000"),
    ({"prompt": None}, "prompt must be text"),
    ({"prompt": 5}, "prompt must be text"),
    ({"prompt": ["x"]}, "prompt must be text"),
    ({"prompt": "\ud800"}, "prompt must be plain text"),
    ({"prompt": "a\0b"}, "prompt must be plain text"),
    *(
        ({"width": width}, "width must be a whole number from 64 to 2048, not ")
        for width in (-1, 7, 7.5, 1e9, None, float("nan"), float("inf"), "abc", True, 10**400)
    ),
    ({"height": 2049}, "height must be a whole number from 64 to 2048, not 2049"),
    ({"seed": 2**64}, "seed must be a whole number from 0 to 4294967295"),
    ({"seed": -2}, "seed must be a whole number from 0 to 4294967295, not -2"),
    ({"steps": -3}, "steps must be a whole number from 1 to 150, not -3"),
    ({"guidance": 31}, "guidance must be a number from 0 to 30, not 31"),
    ({"provider": "nobody"}, "provider 'nobody' is not known; known are auto, sketch, good"),
    ({"model": "no/model"}, "model 'no/model' is not known; known are sketch, some/model"),
    ({"negative_prompt": 7}, "negative_prompt must be text"),
]
DEFAULTS = {
    "prompt": "a fox", "provider": "auto", "model": "", "negative_prompt": "", "width": 1024,
    "height": 1024, "seed": -1, "steps": 0, "guidance": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_gets_one_sentence_and_nothing_is_sent_or_recorded(
    house: House, change: dict[str, Any], sentence: str
) -> None:
    rows, sent = house.query("select count(*) from requests"), len(house.vendor.requests)
    log = len(house.app.log)
    asked = {**DEFAULTS, **change}
    for answer in (
        house.post("generate", {"data": list(asked.values())}),
        house.post("v2/generate", {"prompt": "a fox", **change}),
    ):
        assert "event: error" in answer
        assert sentence in answer.encode().decode("unicode_escape").replace("\\'", "'")
    if _client_can_send(asked):
        with pytest.raises(AppError) as caught:
            house.client.predict(*asked.values(), api_name="/generate")
        assert sentence in str(caught.value)
    assert house.query("select count(*) from requests") == rows
    assert len(house.vendor.requests) == sent
    assert "Traceback" not in house.app.log[log:]


def _client_can_send(asked: dict[str, Any]) -> bool:
    """The client's own JSON knows neither not-a-number nor broken characters."""
    try:
        json.dumps(asked, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def test_a_missing_prompt_is_an_empty_one(house: House) -> None:
    assert "prompt must not be empty" in house.post("v2/generate", {})


def test_the_key_is_found_nowhere_afterwards(house: House) -> None:
    house.generate(prompt="a fox", provider="good")
    assert house.vendor.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    files = [path for path in house.app.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_every_answer_of_the_vendor_was_asked_for() -> None:
    tried = {name.removeprefix("e") if name[1:].isdigit() else name for name, _ in OUTCOMES}
    assert tried | {"good", "jpeg", "webp", "refused"} == {path[1:] for path in VENDOR}
