"""What a row of the cost table shows when it is opened: each number with its source."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from urllib.parse import urlsplit

from providers.base import Entry
from studio.costs import in_language
from studio.offer import Planned
from studio.rollups import Figures
from ui.formats import usd
from ui.words import Words

_OLD = timedelta(days=180)
"""From when on a number may be out of date."""


def details(row: Planned, figures: Figures, now: datetime, words: Words) -> str:
    """A description list; what is not known of an entry is left out or written as unknown."""
    entry, language = row.entry, words.language[:2]
    facts = [
        ("costs.free", escape(_free(row, words))),
        ("costs.paid", escape(in_language(entry.paid, language))),
        ("costs.reads", escape(_reads(entry, words))),
        ("costs.rating", _stars(entry.rating, words)),
        ("costs.source", _source(entry, now, words)),
        ("costs.verified", escape(_verified(entry.verified, words))),
        ("costs.spent", escape(_spent(figures, words))),
        ("costs.note", escape(in_language(entry.note, language))),
        ("costs.key", _key(entry, words)),
    ]
    shown = (
        f"<div><dt>{escape(words(key))}</dt><dd>{fact}</dd></div>" for key, fact in facts if fact
    )
    return f"<dl>{''.join(shown)}</dl>"


def _free(row: Planned, words: Words) -> str:
    free = row.entry.free
    if free is None:
        return words("costs.free.always" if row.model.usd == 0 else "costs.free.no")
    says = words(f"costs.free.{free.unit}", amount=usd(free.amount), per=words(f"per.{free.per}"))
    spent = "" if free.when_spent == "unknown" else ", " + words(f"costs.{free.when_spent}")
    return says + spent


def _reads(entry: Entry, words: Words) -> str:
    reads = entry.sends_prompt_to
    return words(f"costs.reads.{reads.who}", where=reads.where) if reads else words("costs.unknown")


def _stars(rating: int | None, words: Words) -> str:
    if rating is None:
        return ""
    says = escape(words("costs.stars", count=rating))
    return f'<span role="img" aria-label="{says}">{"★" * rating}{"☆" * (5 - rating)}</span>'


def _source(entry: Entry, now: datetime, words: Words) -> str:
    if not entry.source:
        return ""
    facts = [_link(entry.source, urlsplit(entry.source).netloc or entry.source)]
    if entry.as_of and entry.as_of < f"{now - _OLD:%Y-%m-%d}":
        facts.append(f'<span class="old">{words("costs.source.old", date=entry.as_of)}</span>')
    elif entry.as_of:
        facts.append(entry.as_of)
    if entry.confidence:
        facts.append(escape(words(f"confidence.{entry.confidence}")))
    return " · ".join(facts)


def _verified(verified: str | None, words: Words) -> str:
    if not verified:
        return ""
    if verified.startswith("live "):
        return words("verified.live", date=verified.removeprefix("live "))
    return words.table.get(f"verified.{verified}", verified)


def _spent(figures: Figures, words: Words) -> str:
    known = f"${usd(figures.spent_usd)}"
    if not figures.unknown_costs:
        return known
    unknown = words("costs.spent.unknown", count=figures.unknown_costs)
    return f"{known} + {unknown}" if figures.spent_usd else unknown


def _key(entry: Entry, words: Words) -> str:
    steps = escape(in_language(entry.key_steps, words.language[:2]))
    link = f" {_link(entry.key_url, words('costs.key.link'))}" if entry.key_url else ""
    return steps + link


def _link(url: str, text: str) -> str:
    """A link out; only to the web, whatever the config says."""
    if urlsplit(url).scheme not in ("http", "https"):
        return escape(text)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'
