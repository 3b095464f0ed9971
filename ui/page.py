"""The page: header, tabs, languages. `build_page(studio, signer)` gives the Blocks to launch."""

from __future__ import annotations

import gradio as gr

from studio.signing import Signer
from studio.studio import Studio
from studio.visitor import Visitor
from ui.costs import build_costs
from ui.create import build_create
from ui.formats import pill, usd
from ui.result import ResultView
from ui.words import Words, load_words

_MARK = (
    '<div class="mark"><svg viewBox="0 0 24 24" aria-hidden="true"><path fill="var(--accent)" '
    'd="M3 17c4 3 9 2 11-2l6-11-9 8c-4 1-6 3-8 5z"/></svg><span>freebrush</span></div>'
)


def build_page(studio: Studio, signer: Signer) -> tuple[gr.Blocks, gr.I18n]:
    """The page of this studio, and its words for the browser."""
    words = load_words()
    say = gr.I18n(**{name: table.table for name, table in words.items()})
    views = {name: ResultView(studio.config, signer, table) for name, table in words.items()}
    with gr.Blocks(title="Freebrush", analytics_enabled=False) as page:
        language = gr.Textbox("", visible="hidden", elem_id="language")
        header = gr.HTML(_header(words["en"], ""), elem_id="header", padding=False)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab(say("tab.create"), id="create"):
                build_create(studio, views, say, language)
            with gr.Tab(say("tab.costs"), id="costs") as costs:
                build_costs(studio, words, language, costs)

        async def show_header(language: str, request: gr.Request) -> str:
            return _header(words[language], _paid(studio, request, words[language]))

        language.change(
            show_header, language, header,
            queue=False, show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        page.load(None, None, language, js="() => window.freebrush.language")
    return page, say


def _header(words: Words, paid: str) -> str:
    buttons = " · ".join(
        f'<button type="button" data-language="{name}">{words(f"language.{name}")}</button>'
        for name in ("en", "zh-CN")
    )
    return (
        f'<div class="bar">{_MARK}<div class="right">{paid}'
        f'<span class="languages">{buttons}</span></div></div>'
    )


def _paid(studio: Studio, request: gr.Request, words: Words) -> str:
    """Whether money may be spent, and how much is left of it today."""
    visitor: Visitor = studio.visitor(request.headers)
    if studio.config.budget.usd_per_day == 0:
        return pill(words("paid.off"))
    return pill(words("paid.on", left=usd(studio.left_today(visitor))), "paid")
