"""When one entry fails, the next one answers: through the door, with Auto."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gradio_client import Client

from tests.api.conftest import KEY, VENDOR, entries
from tests.loopback import serve
from tests.running import running

CONFIG = """
fallback: [e401, e402, e410, e429, e503, html, nothing, half, truncated, good]
providers:
  sketch: {adapter: sketch}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serve(VENDOR) as vendor:
        config = CONFIG + entries(vendor.url)
        with running(tmp_path_factory.mktemp("fallback"), config, TEST_KEY=KEY) as app:
            yield Client(app.url, verbose=False, analytics_enabled=False)


def test_the_next_entry_answers_and_the_trail_tells_why(client: Client) -> None:
    _, receipt = client.predict("a fox", api_name="/generate")
    assert receipt["provider"] == "good"
    assert [(a["provider"], a["outcome"]) for a in receipt["attempts"]] == [
        ("e401", "not_configured"), ("e402", "quota_exhausted"), ("e410", "unsupported"),
        ("e429", "rate_limited"), ("e503", "unavailable"), ("html", "unavailable"),
        ("nothing", "unavailable"), ("half", "unavailable"), ("truncated", "unavailable"),
        ("good", "succeeded"),
    ]  # fmt: skip
    assert receipt["attempts"][3]["retry_at"].endswith("+00:00")


def test_costs_has_the_rows_of_the_plan_and_counts_what_was_made(client: Client) -> None:
    table = client.predict(api_name="/costs")
    assert table["headers"] == [
        "place", "provider", "model", "state", "reason", "usd", "paid_by", "free", "left",
        "left_source", "resets_at", "pictures", "successes", "median_seconds", "spent_usd",
        "rating", "paid", "sends_prompt_to", "source", "as_of", "confidence", "verified",
    ]  # fmt: skip
    rows = [dict(zip(table["headers"], row, strict=True)) for row in table["rows"]]
    assert [row["provider"] for row in rows] == [
        "e401", "e402", "e410", "e429", "e503", "html", "nothing", "half", "truncated", "good",
        "sketch",
    ]  # fmt: skip
    states = {row["provider"]: (row["place"], row["state"]) for row in rows}
    assert states == {
        "e401": (None, "not_set_up"), "e402": (None, "resting"), "e410": (None, "resting"),
        "e429": (None, "resting"), "e503": (1, "ready"), "html": (2, "ready"),
        "nothing": (None, "resting"), "half": (None, "resting"), "truncated": (3, "ready"),
        "good": (4, "ready"), "sketch": (5, "last_resort"),
    }  # fmt: skip
    assert rows[-1]["state"] == "last_resort"
    good = rows[-2]
    assert (good["pictures"], good["successes"]) == (1, 1)
    assert good["median_seconds"] > 0
    assert good["usd"] == 0
    assert good["free"] is good["rating"] is good["source"] is None
