"""The quiet line under the prompt: what will happen, before it happens."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from studio.config import Config
from studio.offer import Planned
from ui.formats import label, usd
from ui.words import Words

_NAMED = 3
"""How many are named before "2 more"."""


def plan_line(config: Config, plan: Sequence[Planned], named: str, words: Words) -> str:
    """`Auto asks Hugging Face ($0.003 of included credit) → … · you pay $0 · paid is off`."""
    ready = [row for row in plan if row.place and row.state in ("ready", "tried")]
    sample = any(row.place and row.state == "last_resort" for row in plan)
    who = words("plan.auto") if named == "auto" else label(config, named, words)
    lead = f"<b>{escape(who)}</b> "
    off = f' <span class="off">· {escape(words("plan.paid_off"))}</span>'
    paid_is_off = config.budget.usd_per_day == 0
    if not ready:
        reasons = [words.say(row.said) for row in plan if row.said]
        alone = "; ".join(reasons) if named != "auto" else words("plan.nobody")
        says = words("plan.only_sample") if sample and named == "auto" else alone
        link = f'<button data-go-costs type="button">{escape(words("plan.costs_link"))}</button>'
        return f'<div class="plan">{lead}{escape(says)} · {link}</div>'
    steps = [_step(config, row, words) for row in ready[:_NAMED]]
    if len(ready) > _NAMED:
        steps.append(words("plan.more", count=len(ready) - _NAMED))
    asks = f"{escape(words('plan.asks'))} " if named == "auto" else ""
    chain = f" {words('plan.then')} ".join(map(escape, steps))
    pay = f"<b>{escape(_pay(ready, words))}</b>"
    return f'<div class="plan">{lead}{asks}{chain} · {pay}{off if paid_is_off else ""}</div>'


def _step(config: Config, row: Planned, words: Words) -> str:
    return f"{label(config, row.entry.name, words)} ({price(row, words)})"


def price(row: Planned, words: Words) -> str:
    """What one picture of this offer costs now, and from what it is paid."""
    if row.paid_by == "free":
        return words("plan.free")
    if row.model.usd is None:
        return words(f"plan.{row.paid_by}_unknown")
    return words(f"plan.{row.paid_by}", usd=usd(row.model.usd))


def _pay(ready: Sequence[Planned], words: Words) -> str:
    paid = [row for row in ready if not row.costs_nothing]
    if not paid:
        return words("plan.pay_nothing")
    most = max(row.reserve_usd or Decimal(0) for row in paid)
    if len(paid) == len(ready) == 1:
        return (
            words("plan.pay_exactly", usd=usd(most))
            if paid[0].model.usd
            else words("plan.pay_unknown")
        )
    return words("plan.pay_up_to", usd=usd(most))
