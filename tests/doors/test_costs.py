"""`/costs`: the plan of this moment as a table."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import House
from tests.doors.conftest import MODELS

HEADERS = [
    "place", "provider", "model", "state", "reason", "usd", "paid_by", "free", "left",
    "left_source", "resets_at", "pictures", "successes", "median_seconds", "spent_usd", "rating",
    "paid", "sends_prompt_to", "source", "as_of", "confidence", "verified",
]  # fmt: skip


def table(house: House) -> list[dict[str, Any]]:
    costs = house.client.predict(api_name="/costs")
    assert list(costs) == ["headers", "rows"]
    assert costs["headers"] == HEADERS
    return [dict(zip(HEADERS, row, strict=True)) for row in costs["rows"]]


def row_of(house: House, name: str) -> dict[str, Any]:
    return next(row for row in table(house) if row["provider"] == name)


def test_the_rows_are_the_plan_with_places_for_those_that_would_be_asked(house: House) -> None:
    rows = table(house)
    names = [f"at-{model}" for model in MODELS]
    assert [row["provider"] for row in rows] == [
        *names, "dear", "free", "credit", "unset", "nowhere", "costly", "unpriced", "sketch",
    ]  # fmt: skip
    places = [row["place"] for row in rows if row["state"] in ("ready", "last_resort")]
    assert places == list(range(1, len(places) + 1))
    assert [row["place"] for row in rows if row["reason"]] == [None] * 4
    assert {row["provider"]: (row["state"], row["reason"]) for row in rows[-5:]} == {
        "unset": ("no_key", "no key: set NOBODY_SETS_THIS"),
        "nowhere": ("no_address", "no address: set NOBODY_SETS_THIS"),
        "costly": ("over_budget", "over budget: it costs $1, more than $0.05 a picture"),
        "unpriced": (
            "over_budget", "over budget: its price is unknown and no ceiling is set for it",
        ),
        "sketch": ("last_resort", ""),
    }  # fmt: skip
    assert {row["provider"]: (row["usd"], row["paid_by"]) for row in rows if row["usd"] != 0} == {
        **{name: (0.02, "budget") for name in names if "dear" in name},
        "dear": (0.02, "budget"), "credit": (0.04, "allowance"), "costly": (1.0, "budget"),
        "unpriced": (None, "budget"),
    }  # fmt: skip


def test_a_picture_raises_the_counts_and_lowers_the_allowance_until_it_is_spent(
    house: House,
) -> None:
    before = row_of(house, "credit")
    assert (before["left"], before["left_source"]) == (0.1, "our count")
    assert before["free"] == "0.1 usd per month, then stops"
    assert (before["pictures"], before["successes"], before["median_seconds"]) == (0, 0, None)
    for _ in range(2):
        _, receipt = house.generate(prompt="a fox", provider="credit")
        assert (receipt["cost_usd"], receipt["paid_by"]) == (0.04, "allowance")
    after = row_of(house, "credit")
    assert (after["pictures"], after["successes"], after["spent_usd"]) == (2, 2, 0.08)
    assert after["median_seconds"] > 0
    assert (after["state"], after["place"]) == ("spent", None)
    assert after["left"] == 0.02
    assert after["resets_at"].endswith("-01T00:00:00+00:00")


def test_a_failure_counts_as_asked_and_not_as_made(house: House) -> None:
    before = row_of(house, "at-503")
    house.generate(prompt="a fox", model="503")
    after = row_of(house, "at-503")
    assert after["pictures"] - before["pictures"] == 1
    assert after["successes"] == before["successes"] == 0
