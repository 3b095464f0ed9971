"""The Costs and quotas tab: the plan of this moment as a table whose rows open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape

import gradio as gr

from studio.config import Config
from studio.offer import Planned
from studio.rollups import Figures
from studio.studio import Studio
from ui.cost_details import details
from ui.formats import label, pill, short_model, usd
from ui.words import Words

_KINDS = {"ready": "free", "over_budget": "paid", "spent": "bad"}


def build_costs(studio: Studio, words: dict[str, Words], language: gr.Textbox, tab: gr.Tab) -> None:
    """Build the tab; it is drawn anew each time it is opened."""
    table = gr.HTML(elem_id="costs", padding=False)

    async def show(language: str, request: gr.Request) -> str:
        plan = await studio.plan(studio.visitor(request.headers))
        figures = await studio.figures()
        return cost_table(studio.config, plan, figures, studio.clock(), words[language])

    for event in (tab.select, language.change):
        event(show, language, table, queue=False, show_progress="hidden", api_visibility="private")


def cost_table(
    config: Config,
    plan: Sequence[Planned],
    figures: Mapping[tuple[str, str], Figures],
    now: datetime,
    words: Words,
) -> str:
    """The whole tab as HTML, the paid ones below a line."""
    head = "".join(
        f'<th scope="col" class="{kind}">{escape(words(key)) if key else ""}</th>'
        for key, kind in (
            ("", ""), ("costs.provider", ""), ("costs.state", ""), ("costs.price", "n"),
            ("costs.left", ""), ("costs.works", "n"), ("costs.median", "n"), ("", ""),
        )
    )  # fmt: skip
    body, line_drawn = "", False
    for number, row in enumerate(plan):
        if not row.costs_nothing and not line_drawn:
            line_drawn = True
            off = ".off" if config.budget.usd_per_day == 0 else ""
            line = escape(words(f"costs.paid_line{off}"))
            body += f'<tr class="line"><td colspan="8">{line}</td></tr>'
        row_figures = figures.get((row.entry.name, row.model.id), Figures())
        more = details(row, row_figures, now, words)
        body += _row(config, row, row_figures, f"offer-{number}", more, words)
    return (
        f'<div class="costs-head"><h2>{escape(words("costs.title"))}</h2>'
        f"<p>{escape(words('costs.subtitle'))}</p></div>"
        f'<div class="card scroll"><table class="costs"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(
    config: Config, row: Planned, figures: Figures, anchor: str, more: str, words: Words
) -> str:
    name = label(config, row.entry.name, words)
    own = row.model.id in (row.entry.name, "default")
    model = "" if own else f' <span class="soft">{escape(short_model(row.model.id))}</span>'
    opener = (
        f'<button type="button" class="opener" data-opens="{anchor}" aria-expanded="false" '
        f'aria-controls="{anchor}" aria-label="{escape(words("costs.details", provider=name))}">'
        "</button>"
    )
    cells = [
        ("soft", "", str(row.place or words("costs.none"))),
        ("", "", f"<b>{escape(name)}</b>{model}"),
        ("", "", _state(row, words)),
        ("n", "costs.price", escape(_price(row, words))),
        ("", "costs.left", _left(row, words)),
        ("n", "costs.works", _works(figures, words)),
        ("n", "costs.median", _median(figures, words)),
        ("n", "", opener),
    ]
    shown = "".join(
        f'<td class="{kind}"{_named(head, words)}>{cell}</td>' for kind, head, cell in cells
    )
    return (
        f'<tr class="{"" if row.place else "out"}">{shown}</tr>'
        f'<tr class="more" id="{anchor}" hidden><td></td><td colspan="7">{more}</td></tr>'
    )


def _named(head: str, words: Words) -> str:
    """The head of a column, for the narrow page, where there are no columns."""
    return f' data-head="{escape(words(head))}"' if head else ""


def _state(row: Planned, words: Words) -> str:
    badge = pill(words(f"state.{row.state}"), _KINDS.get(row.state, ""))
    reason = f"<small>{escape(words.say(row.said))}</small>" if row.said else ""
    return badge + reason


def _price(row: Planned, words: Words) -> str:
    return words("costs.unknown") if row.model.usd is None else f"${usd(row.model.usd)}"


def _left(row: Planned, words: Words) -> str:
    """What is left, where that number comes from, when it comes back, and a bar of it."""
    free = row.entry.free
    if free is None:
        return escape(words("costs.no_limit") if row.model.usd == 0 else words("costs.none"))
    known = row.allowance
    if known.left is None:
        return escape(words("costs.unknown"))
    key = "costs.left_usd" if free.unit == "usd" else "costs.left_of"
    left = words(
        key, left=usd(known.left), amount=usd(free.amount), unit=words(f"unit.{free.unit}")
    )
    said = known.as_of and words("costs.service_says", date=f"{known.as_of:%Y-%m-%d %H:%M}")
    source = [said or words("costs.our_count")]
    if known.resets_at:
        source.append(words("costs.resets", date=f"{known.resets_at:%Y-%m-%d}"))
    share = min(Decimal(1), known.left / free.amount) if free.amount else Decimal(0)
    bar = f'<div class="bar-left"><i style="width:{share:.0%}"></i></div>'
    return f"{escape(left)}<small>{escape(' · '.join(source))}</small>{bar}"


def _works(figures: Figures, words: Words) -> str:
    if not figures.pictures:
        return words("costs.none")
    return escape(words("costs.works_of", successes=figures.successes, pictures=figures.pictures))


def _median(figures: Figures, words: Words) -> str:
    if figures.median_seconds is None:
        return words("costs.none")
    return escape(words("costs.seconds", seconds=f"{figures.median_seconds:.1f}"))
