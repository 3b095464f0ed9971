"""Many calls at once."""

from __future__ import annotations

import time

from tests.api.conftest import House
from tests.doors.conftest import LATENCY

CALLS = 30


def test_thirty_calls_wait_for_the_vendor_together_and_each_is_recorded(house: House) -> None:
    house.generate(prompt="warm", provider="slow")
    count = "select count(*) from attempts where provider = 'slow' and outcome = 'succeeded'"
    [(before,)] = house.query(count)
    began = time.monotonic()
    jobs = [
        house.client.submit(f"fox {n}", "slow", "", "", 640, 480, n, api_name="/generate")
        for n in range(CALLS)
    ]
    receipts = [job.result(timeout=60)[1] for job in jobs]
    assert time.monotonic() - began < CALLS * LATENCY / 2
    assert [receipt["seed"] for receipt in receipts] == list(range(CALLS))
    assert {(r["provider"], r["attempts"][-1]["outcome"]) for r in receipts} == {
        ("slow", "succeeded")
    }
    sent = {r.json["inputs"]: r.json["parameters"]["seed"] for r in house.vendor.to("/slow")}
    assert {f"fox {n}": n for n in range(CALLS)}.items() <= sent.items()
    assert house.query(count) == [(before + CALLS,)]
    ids = "', '".join(receipt["request_id"] for receipt in receipts)
    kept = house.query(
        f"select prompt, seed from requests where id in ('{ids}') and receipt is not null"
    )
    assert set(kept) == {(f"fox {n}", n) for n in range(CALLS)}
