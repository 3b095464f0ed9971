"""What a ledger and its gallery must add up to, counted over again past the code that keeps it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select

from studio.database import reading
from studio.tables import attempts, meters, pictures, requests, rollups

Sums = dict[tuple[str, str, str, str], tuple[int, Decimal, int, int]]


def rows(engine: Engine, table: Table) -> list[Any]:
    with reading(engine) as connection:
        return list(connection.execute(select(table)))


def rolled_up(engine: Engine) -> Sums:
    """By day, provider, model and outcome: attempts, dollars and unknown costs."""
    return {
        (row.day, row.provider, row.model, row.outcome): (row.attempts, row.usd, row.unknown)
        for row in rows(engine, rollups)
        if row.attempts or row.usd or row.unknown
    }  # fmt: skip


def recounted(engine: Engine) -> Sums:
    """The same, from one attempt after the other."""
    sums: Sums = {}
    for row in rows(engine, attempts):
        if row.outcome == "started":
            continue
        for day in (f"{row.started_at:%Y-%m-%d}", ""):
            place = (day, row.provider, row.model, row.outcome)
            count, usd, unknown = sums.get(place, (0, Decimal(0), 0))
            unknown += row.cost_usd is None and row.billed in ("yes", "maybe")
            usd += row.cost_usd or Decimal(0)
            sums[place] = (count + 1, usd, unknown)
    return sums


def metered(engine: Engine) -> dict[tuple[str, str], Decimal]:
    return {(row.scope, row.period): row.amount for row in rows(engine, meters) if row.amount}


def spent(engine: Engine) -> dict[tuple[str, str], Decimal]:
    """What the meters must show: of each attempt what it cost, and where nobody knows what it took
    or may have taken, what was set aside for it.
    """
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows(engine, attempts):
        for hold in json.loads(row.holds):
            taken = Decimal(hold["amount"])
            if hold["in_usd"] and row.cost_usd is not None:
                taken = row.cost_usd
            elif row.billed == "no" and row.outcome not in ("succeeded", "outcome_unknown"):
                taken = Decimal(0)
            sums[hold["scope"], hold["period"]] += taken  # type: ignore[assignment]
    return {place: Decimal(amount) for place, amount in sums.items() if amount}


def assert_settled(engine: Engine, folder: Path) -> None:
    """Nothing is under way, everything adds up, and each picture has its file and its row."""
    assert [row.id for row in rows(engine, attempts) if row.outcome == "started"] == []
    assert [row.id for row in rows(engine, requests) if row.ended_at is None] == []
    assert rolled_up(engine) == recounted(engine)
    assert metered(engine) == spent(engine)
    kept = {row.sha256: row.bytes for row in rows(engine, pictures)}
    shelves = [shelf for shelf in (folder / "pictures").iterdir() if shelf.name != "unfinished"]
    files = {path.name: path for shelf in shelves for path in shelf.iterdir()}
    assert {f"{sha}.png" for sha in kept} | {f"{sha}.json" for sha in kept} == set(files)
    for sha, size in kept.items():
        data = files[f"{sha}.png"].read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha, size)
    made = {row.id: row.sha256 for row in rows(engine, requests) if row.sha256}
    succeeded = [row.request_id for row in rows(engine, attempts) if row.outcome == "succeeded"]
    assert sorted(succeeded) == sorted(made)
    assert set(made.values()) == set(kept)
