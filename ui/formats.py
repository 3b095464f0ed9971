"""How numbers, prices and names are written on the page."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from studio.config import Config
from studio.costs import in_language
from ui.words import Words


def usd(amount: Decimal) -> str:
    """Dollars as people write them, never in powers of ten: 0, 0.003, 0.10, 1.50, 12."""
    if amount == amount.to_integral_value():
        return f"{int(amount)}"
    text = f"{amount:f}".rstrip("0")
    return f"{amount:.2f}" if len(text.partition(".")[2]) < 2 else text


def label(config: Config, name: str, words: Words) -> str:
    """What people call an entry."""
    entry = config.providers.get(name)
    return (in_language(entry.label, words.language[:2]) if entry else "") or name


def short_model(model: str) -> str:
    """`FLUX.1-schnell` for `black-forest-labs/FLUX.1-schnell`."""
    return model.rsplit("/", 1)[-1]


def cost(amount: Decimal | None, paid_by: str, words: Words) -> str:
    """What a picture cost: included credit is said as that, and unknown is never $0."""
    if amount is None:
        return words("cost.unknown")
    if amount == 0:
        return words("cost.zero")
    return words("cost.allowance" if paid_by == "allowance" else "cost.usd", usd=usd(amount))


def pill(text: str, kind: str = "") -> str:
    return f'<span class="pill {kind}">{escape(text)}</span>'
