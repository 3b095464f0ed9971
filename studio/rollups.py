"""Sums of what became of all attempts, kept as they are settled, so that a table of them costs the
same after a million as after a thousand.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from studio.database import insert_or_add
from studio.receipt import Attempt
from studio.tables import attempts, rollups

_COUNTED = ("attempts", "usd", "unknown")
NEWEST = 200
"""Successes that the median and the 95th percentile are taken from."""


@dataclass(frozen=True)
class Figures:
    """How an offer has done: pictures asked of it, those that came, seconds and dollars.

    `unknown_costs` counts the pictures that may have cost something, nobody knows how much.
    """

    pictures: int = 0
    successes: int = 0
    median_seconds: float | None = None
    spent_usd: Decimal = Decimal(0)
    unknown_costs: int = 0


def roll_up(connection: Connection, at: datetime, attempt: Attempt, times: int = 1) -> None:
    """Add a settled attempt that began then, or (`times` -1) take it out again."""
    unknown = attempt.cost_usd is None and attempt.billed != "no"
    for day in (at.date().isoformat(), ""):
        row = {
            "day": day, "provider": attempt.provider, "model": attempt.model,
            "outcome": attempt.outcome, "attempts": times,
            "usd": (attempt.cost_usd or Decimal(0)) * times, "unknown": int(unknown) * times,
        }  # fmt: skip
        connection.execute(insert_or_add(connection, rollups, *_COUNTED), row)


def figures(connection: Connection) -> dict[tuple[str, str], Figures]:
    """By provider and model, of all time; seconds are those of the newest `NEWEST` successes."""
    sums: dict[tuple[str, str], Figures] = {}
    ever = select(rollups).where(rollups.c.day == "")
    for row in connection.execute(ever):
        so_far = sums.get((row.provider, row.model), Figures())
        sums[row.provider, row.model] = Figures(
            so_far.pictures + row.attempts,
            so_far.successes + (row.attempts if row.outcome == "succeeded" else 0),
            None,
            so_far.spent_usd + row.usd,
            so_far.unknown_costs + row.unknown,
        )
    return {offer: _timed(connection, offer, found) for offer, found in sums.items()}


def typical_seconds(
    connection: Connection, offers: Iterable[tuple[str, str]]
) -> tuple[float | None, float | None]:
    """The median and the 95th percentile of the newest `NEWEST` successes of these offers: that
    percentile is the least of them that no more than one in twenty exceeds.
    """
    found: list[tuple[int, float]] = []
    for provider, model in offers:
        newest = (
            select(attempts.c.id, attempts.c.seconds)
            .where(attempts.c.provider == provider, attempts.c.model == model,
                   attempts.c.outcome == "succeeded")
            .order_by(attempts.c.id.desc()).limit(NEWEST)
        )  # fmt: skip
        found += [(row.id, row.seconds) for row in connection.execute(newest)]
    seconds = sorted(took for _, took in sorted(found)[-NEWEST:])
    if not seconds:
        return None, None
    return statistics.median(seconds), seconds[-(-95 * len(seconds) // 100) - 1]


def _timed(connection: Connection, offer: tuple[str, str], found: Figures) -> Figures:
    if not found.successes:
        return found
    return replace(found, median_seconds=typical_seconds(connection, [offer])[0])
