"""Statistics: how each provider does and what it costs, out of roll-ups, whatever there was."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from studio.rollups import typical_seconds
from studio.tables import rollups

_Z = 1.959963984540054
"""Of a normal distribution 95 % is within so many standard deviations."""


@dataclass(frozen=True)
class Reliability:
    """How a provider has done with all its models.

    `failures` counts the calls that gave no picture, after which another one was asked, by their
    outcome. `between` is the 95 % interval of the success rate, which is None where nothing was
    asked of it.
    """

    provider: str
    attempts: int
    successes: int
    failures: Mapping[str, int]
    median_seconds: float | None
    p95_seconds: float | None

    @property
    def rate(self) -> float | None:
        return self.successes / self.attempts if self.attempts else None

    @property
    def between(self) -> tuple[float, float] | None:
        return wilson(self.successes, self.attempts) if self.attempts else None


@dataclass(frozen=True)
class Spend:
    """What was spent on a day (UTC): so many dollars, and `unknown` calls besides of which nobody
    knows what they cost.
    """

    day: date
    known_usd: Decimal = Decimal(0)
    unknown: int = 0


def reliability(connection: Connection) -> list[Reliability]:
    """Of each provider that was ever asked, by name."""
    outcomes: dict[str, Counter[str]] = {}
    models: dict[str, set[str]] = {}
    for row in connection.execute(select(rollups).where(rollups.c.day == "")):
        outcomes.setdefault(row.provider, Counter())[row.outcome] += row.attempts
        models.setdefault(row.provider, set()).add(row.model)
    found = []
    for provider, counted in sorted(outcomes.items()):
        seconds = typical_seconds(connection, [(provider, model) for model in models[provider]])
        failures = {outcome: n for outcome, n in counted.items() if outcome != "succeeded" and n}
        made = counted["succeeded"]
        found.append(Reliability(provider, counted.total(), made, failures, *seconds))
    return found


def pictures_by_provider(connection: Connection) -> dict[str, int]:
    """How many pictures came from each, the one with the most first."""
    made = func.sum(rollups.c.attempts)
    query = (
        select(rollups.c.provider, made)
        .where(rollups.c.day == "", rollups.c.outcome == "succeeded")
        .group_by(rollups.c.provider)
        .order_by(made.desc(), rollups.c.provider)
    )
    return {provider: int(pictures) for provider, pictures in connection.execute(query)}


def spending(connection: Connection, today: date, days: int) -> list[Spend]:
    """Each of the last `days` days up to `today`, those without a call too."""
    every = [today - timedelta(days=ago) for ago in reversed(range(days))]
    query = (
        select(rollups.c.day, func.sum(rollups.c.usd), func.sum(rollups.c.unknown))
        .where(rollups.c.day >= every[0].isoformat())
        .group_by(rollups.c.day)
    )
    found = {day: (usd, int(unknown)) for day, usd, unknown in connection.execute(query)}
    return [Spend(day, *found.get(day.isoformat(), ())) for day in every]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion, without continuity correction: E. B. Wilson, J. Am.
    Stat. Assoc. 22 (1927) 209; method 3 of R. G. Newcombe, Statist. Med. 17 (1998) 857. Unlike the
    textbook one it holds with a handful of calls, and where all or none went well.
    """
    middle = 2 * successes + _Z**2
    reach = _Z * math.sqrt(_Z**2 + 4 * successes * (n - successes) / n)
    low, high = (middle - reach) / (2 * (n + _Z**2)), (middle + reach) / (2 * (n + _Z**2))
    return max(0.0, low), min(1.0, high)


_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a formula of a cell, and the full-width forms, which some programs take for the same
(owasp.org/www-community/attacks/CSV_Injection).
"""


def as_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for spreadsheets: nothing in it is taken for a formula, numbers stay numbers.

    It begins with a byte order mark: without one Excel reads UTF-8 in the code page of the
    machine, which in China is GBK, and shows 智谱 as something else. Others skip it.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerows([_cell(value) for value in row] for row in (headers, *rows))
    return "\ufeff" + text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"  # not 1E-9
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    text = str(value)
    told = text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if told else text
