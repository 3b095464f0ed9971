"""The header Idempotency-Key at `/generate`: a client that calls again gets what came of the first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.api.conftest import House


def ask(house: House, key: str, **asked: Any) -> dict[str, Any]:
    client = Client(
        house.app.url,
        headers={"Idempotency-Key": key},
        verbose=False,
        analytics_enabled=False,
        download_files=False,
    )
    _, receipt = client.predict(api_name="/generate", provider="paidgood", **asked)
    return dict(receipt)


def test_a_call_that_is_sent_again_is_paid_once(house: House) -> None:
    sent = len(house.vendor.requests)
    first = ask(house, "order 1", prompt="a fox")
    assert ask(house, "order 1", prompt="a fox") == first
    assert len(house.vendor.requests) == sent + 1
    assert ask(house, "order 2", prompt="a fox")["request_id"] != first["request_id"]
    assert len(house.vendor.requests) == sent + 2


def test_calls_with_one_key_at_the_same_time_are_paid_once(house: House) -> None:
    sent = len(house.vendor.requests)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: ask(house, "order 3", prompt="a fox"), range(4)))
    assert len({receipt["request_id"] for receipt in told}) == 1
    assert len(house.vendor.requests) == sent + 1


@pytest.mark.parametrize(
    ("key", "prompt", "says"),
    [
        ("order 4", "a boat", "idempotency_key 'order 4' was sent before, with another request"),
        ("x" * 181, "a fox", "Idempotency-Key must be at most 180 characters long, not 181"),
    ],
    ids=["another wish", "too long"],
)
def test_a_key_that_cannot_be_used_is_told_and_nothing_is_sent(
    house: House, key: str, prompt: str, says: str
) -> None:
    ask(house, "order 4", prompt="a fox")
    sent = len(house.vendor.requests)
    with pytest.raises(AppError, match=says):
        ask(house, key, prompt=prompt)
    assert len(house.vendor.requests) == sent
