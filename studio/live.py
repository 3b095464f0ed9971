"""A live round: one small picture of every provider that is set up, for a few cents in all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from studio.checkup import OWNER, row_of_each
from studio.config import Config
from studio.offer import Planned
from studio.receipt import Attempt, NobodyCould, skipped
from studio.request import Request
from studio.studio import Studio
from studio.words import Said

LIVE_USD = Decimal("0.05")
"""The most that a live round may cost, and the most it may add to a day's budget."""

PROMPT, SIDE = "a red boat on a calm sea", 512
_BEGIN, _END, _NOBODY = "<!-- live -->\n", "<!-- end of live -->", "–"


@dataclass(frozen=True)
class Offer:
    """`usd` is what counts against `LIVE_USD`; `left_out` says why it will not be asked."""

    row: Planned
    usd: Decimal
    left_out: str = ""


def for_live(config: Config) -> Config:
    """The config for a live round. What the ledger has counted today counts here too."""
    budget = config.budget
    ceiling = min(LIVE_USD, budget.usd_per_image)
    day = budget.usd_per_day + LIVE_USD
    return replace(config, budget=replace(budget, usd_per_image=ceiling, usd_per_day=day))


async def live_offers(studio: Studio) -> list[Offer]:
    """Every entry that is not a sample, the cheapest first. An allowance counts at its list price:
    the service may take it from credit that was bought. An unknown price counts as the ceiling.
    """
    rows = [row for row in await row_of_each(studio) if not row.sample]
    offers, total = [], Decimal(0)
    for row in sorted(rows, key=lambda row: row.reserve_usd or Decimal(0)):
        usd, said = row.reserve_usd, row.said
        if usd is None:
            said = said or Said("unknown_price")
        if said:
            offers.append(Offer(row, usd or Decimal(0), str(said)))
        elif usd and total + usd > LIVE_USD:
            offers.append(Offer(row, usd, f"with its ${usd:f} the round would pass ${LIVE_USD}"))
        else:
            offers.append(Offer(row, usd or Decimal(0)))
            total += usd or Decimal(0)
    return offers


async def try_live(studio: Studio, offers: Sequence[Offer]) -> AsyncIterator[Attempt]:
    """Ask one after the other, each once and nobody else in its place.

    What may have been billed counts in full, and nobody else who has a price is asked after it.
    """
    spent, unsure = Decimal(0), False
    for offer in offers:
        if offer.usd and (unsure or spent + offer.usd > LIVE_USD):
            left = LIVE_USD - spent
            said = Said("over_ceiling", usd=offer.usd, left=left)
            yield skipped(offer.row, Said("may_be_billed") if unsure else said)
            continue
        attempt = await _try(studio, offer.row)
        spent += offer.usd if attempt.cost_usd is None else attempt.cost_usd
        unsure = unsure or attempt.billed == "maybe"
        yield attempt


async def _try(studio: Studio, row: Planned) -> Attempt:
    limits = studio.config.limits
    side = min(max(SIDE, limits.min_side), limits.max_side)
    request = Request(PROMPT, "", row.entry.name, row.model.id, side, side)
    try:
        return (await studio.generate(request, OWNER)).receipt.attempts[-1]
    except NobodyCould as error:
        return error.attempts[-1]


def facts_of(attempt: Attempt, day: str) -> tuple[str, ...]:
    """Provider, model, outcome, seconds, cost and date, as the table in the READMEs has them."""
    cost = "unknown" if attempt.cost_usd is None else f"${attempt.cost_usd:f}"
    seconds = f"{attempt.seconds:.1f}"
    return attempt.provider, attempt.model, attempt.outcome, seconds, cost, day


def write_down(readme: Path, attempt: Attempt, day: str) -> None:
    """Put an outcome between the marks in a README; rows of others stay. Raises OSError."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    table, end, after = rest.partition(_END)
    lines = [line for line in table.splitlines() if line.strip()]
    if not end or len(lines) < 2:
        raise OSError(f"there is no table between {_BEGIN.strip()} and {_END}")
    rows = {line.split("|")[1].strip(): line for line in lines[2:]}
    rows.pop(_NOBODY, None)
    rows[attempt.provider] = f"| {' | '.join(facts_of(attempt, day))} |"
    table = "\n".join([*lines[:2], *rows.values()])
    readme.write_text(f"{before}{begin}\n{table}\n\n{end}{after}", encoding="utf-8")
