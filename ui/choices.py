"""What can be chosen on the form: providers with their state and price, models, shapes."""

from __future__ import annotations

from collections.abc import Sequence

from studio.config import Config, Limits
from studio.offer import Planned
from ui.formats import label, short_model
from ui.plan_line import price
from ui.words import Words

_SHAPES = (
    ("1:1", 1024, 1024), ("3:2", 1216, 832), ("2:3", 832, 1216), ("16:9", 1344, 768),
    ("9:16", 768, 1344),
)  # fmt: skip


def shapes(limits: Limits) -> list[tuple[str, str]]:
    """The shapes within the limits: `3:2 · 1216×832`."""
    low, high = limits.min_side, limits.max_side
    fitting = [s for s in _SHAPES if low <= min(s[1:]) and max(s[1:]) <= high]
    ratios = fitting or [("1:1", high, high)]
    return [(f"{ratio} · {w}×{h}", f"{w}×{h}") for ratio, w, h in ratios]


def provider_choices(
    config: Config, plan: Sequence[Planned], words: Words
) -> list[tuple[str, str]]:
    """Auto, then every entry of the plan with its state and price."""
    choices = [(words("provider.auto"), "auto")]
    for row in plan:
        says = words.say(row.said) if row.said else price(row, words)
        choices.append((f"{label(config, row.entry.name, words)} · {says}", row.entry.name))
    return choices


def model_choices(config: Config, provider: str) -> list[tuple[str, str]]:
    """The models of an entry; Auto takes each provider's own."""
    if provider not in config.providers:
        return []
    return [(short_model(model.id), model.id) for model in config.providers[provider].models]


def number(text: str | None, absent: float) -> float | str:
    """The number in a field of the form, `absent` for an empty one; what is none stays as it is."""
    text = (text or "").strip()
    for kind in (int, float):
        try:
            return kind(text or absent)
        except ValueError:
            continue
    return text
