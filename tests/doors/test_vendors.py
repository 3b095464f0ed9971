"""`/generate` against a vendor that answers as Hugging Face does, or fails in every known way."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest
from gradio_client.exceptions import AppError

from tests.api.conftest import House
from tests.doors.conftest import FAULTS, KEY, LARGE

LOST = [name for name, (outcome, _) in FAULTS.items() if outcome == "lost"]
CERTAIN = [name for name in FAULTS if name not in LOST]


def trail(receipt: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Who had the model that was asked for, what came of it, and whether it was billed."""
    had = (a for a in receipt["attempts"] if a["model"] == receipt["model"])
    return [(attempt["provider"], attempt["outcome"], attempt["billed"]) for attempt in had]


@pytest.mark.parametrize("form", LARGE)
def test_what_the_door_gives_is_what_the_vendor_sent_and_the_gallery_and_the_ledger_keep(
    house: House, form: str
) -> None:
    data, receipt = house.generate(
        prompt="a fox", provider=f"a-{form}", seed=2**32 - 1, width=640, height=480
    )
    sha256 = hashlib.sha256(LARGE[form]).hexdigest()
    assert hashlib.sha256(data).hexdigest() == sha256 == receipt["sha256"]
    assert (receipt["width"], receipt["height"], receipt["notes"]) == (640, 480, [])
    assert receipt["media_type"] == f"image/{form}"
    sent = house.vendor.to(f"/{form}")[-1].json["parameters"]
    assert sent["seed"] == receipt["seed"] == 2**32 - 1
    [beside] = (house.app.folder / "data" / "pictures").rglob(f"{sha256}.json")
    first = json.loads(beside.read_bytes())  # of the first who was given these very bytes
    for told in (receipt, first):
        of_request = f"from requests where id = '{told['request_id']}'"
        [(kept, seed, named)] = house.query(f"select receipt, seed, sha256 {of_request}")
        assert (json.loads(kept), seed, named) == (told, told["seed"], sha256)


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_free_one_that_fails_the_next_one_answers(house: House, name: str) -> None:
    data, receipt = house.generate(prompt="a fox", model=name)
    outcome = FAULTS[name][0]
    expected = "unavailable" if outcome == "lost" else outcome
    assert trail(receipt) == [(f"at-{name}", expected, "no"), ("dear", "succeeded", "yes")]
    assert (receipt["provider"], receipt["model"]) == ("dear", name)
    assert (receipt["cost_usd"], receipt["paid_by"], receipt["sample"]) == (0.02, "budget", False)
    assert data == LARGE["png"]


@pytest.mark.parametrize("name", CERTAIN)
def test_after_a_paid_one_that_said_no_the_next_paid_one_answers(house: House, name: str) -> None:
    _, receipt = house.generate(prompt="a fox", model=f"dear-{name}")
    assert trail(receipt) == [
        (f"at-dear-{name}", FAULTS[name][0], "no"), ("dear", "succeeded", "yes"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_after_a_paid_one_that_was_lost_only_a_free_one_is_asked(house: House, name: str) -> None:
    asked, lost = len(house.vendor.to("/png")), len(house.vendor.to(f"/{name}"))
    _, receipt = house.generate(prompt="a fox", model=f"dear-{name}")
    assert trail(receipt) == [
        (f"at-dear-{name}", "outcome_unknown", "maybe"), ("dear", "skipped", "no"),
        ("free", "succeeded", "no"),
    ]  # fmt: skip
    reasons = {a["provider"]: (a["reason"], a["cost_usd"]) for a in receipt["attempts"]}
    assert "may have been billed" in reasons[f"at-dear-{name}"][0]
    assert reasons[f"at-dear-{name}"][1] is None
    assert reasons["dear"][0] == "left out: another paid one may have been billed"
    assert (receipt["cost_usd"], receipt["paid_by"]) == (0, "free")
    assert len(house.vendor.to("/png")) == asked + 1
    assert len(house.vendor.to(f"/{name}")) == lost + 1  # nothing was repeated


def test_a_rest_that_the_vendor_asks_for_is_in_the_trail(house: House) -> None:
    _, receipt = house.generate(prompt="a fox", model="429")
    (told,) = {a["retry_at"] for a in receipt["attempts"] if a["provider"] == "at-429"}
    wait = datetime.fromisoformat(told) - datetime.now(timezone.utc)
    assert timedelta(seconds=10) < wait <= timedelta(seconds=30)


def test_money_set_aside_for_what_was_refused_is_given_back(house: House) -> None:
    [(before,)] = house.query("select sum(amount) from meters")
    with pytest.raises(AppError):
        house.generate(prompt="a fox", provider="at-dear-402")
    [(after,)] = house.query("select sum(amount) from meters")
    assert after == before


def test_the_key_is_nowhere_even_where_the_vendor_repeats_it(house: House) -> None:
    told = ""
    for name in FAULTS:
        with pytest.raises(AppError) as caught:
            house.generate(prompt="a fox", provider=f"at-{name}")
        told += str(caught.value)
        assert f"at-{name}: " in str(caught.value)
        assert house.vendor.to(f"/{name}")[-1].headers["authorization"] == f"Bearer {KEY}"
    told += str(house.client.predict(api_name="/costs"))
    files = [path for path in house.app.folder.rglob("*") if path.is_file()]
    assert {"app.log", "ledger.db"} <= {path.name for path in files}
    coded = base64.b64encode(KEY.encode()).decode()
    for part in (KEY, KEY[5:25], quote(KEY), quote(KEY, safe=""), coded):
        assert part not in told
        assert [path for path in files if part.encode() in path.read_bytes()] == []
