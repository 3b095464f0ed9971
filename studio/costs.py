"""The cost and quota table: the plan of this moment, with every number and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.base import Free, Text
from studio.offer import Planned
from studio.receipt import iso, usd_number
from studio.rollups import Figures

HEADERS = [
    "place", "provider", "model", "state", "reason", "usd", "paid_by", "free", "left",
    "left_source", "resets_at", "pictures", "successes", "median_seconds", "spent_usd", "rating",
    "paid", "sends_prompt_to", "source", "as_of", "confidence", "verified",
]  # fmt: skip


def cost_rows(
    plan: Sequence[Planned], figures: Mapping[tuple[str, str], Figures]
) -> list[list[Any]]:
    """A row an offer, in the order in which Auto would ask. None is unknown or does not apply."""
    return [
        _row(row, figures.get((row.entry.name, row.model.id), Figures())) for row in plan
    ]  # fmt: skip


def _row(row: Planned, figures: Figures) -> list[Any]:
    entry = row.entry
    reads = entry.sends_prompt_to
    median, left = figures.median_seconds, row.allowance.left
    return [
        row.place,
        entry.name,
        row.model.id,
        row.state,
        str(row.said) if row.said else "",
        usd_number(row.model.usd),
        row.paid_by,
        free_words(entry.free),
        None if left is None else float(left),
        None if left is None else _source(row),
        iso(row.allowance.resets_at),
        figures.pictures,
        figures.successes,
        None if median is None else round(median, 3),
        None if figures.unknown_costs and not figures.spent_usd else usd_number(figures.spent_usd),
        entry.rating,
        in_language(entry.paid) or None,
        " ".join(filter(None, (reads.who, reads.where))) if reads else None,
        entry.source,
        entry.as_of,
        entry.confidence,
        entry.verified,
    ]


def _source(row: Planned) -> str:
    as_of = row.allowance.as_of
    return f"the service, {iso(as_of)}" if as_of else "our count"


def free_words(free: Free | None) -> str | None:
    """An allowance in one phrase: `0.1 usd per month, then stops`."""
    if free is None:
        return None
    often = "once" if free.per == "once" else f"per {free.per}"
    return f"{free.amount:f} {free.unit} {often}, then {free.when_spent}"


def in_language(text: Text, language: str = "en") -> str:
    """A text for people in their language, else in English, else in whatever there is."""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), "")
