"""The Create tab: a prompt in, a picture out, and what happened on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from studio.receipt import NobodyCould
from studio.request import MAX_SEED
from studio.studio import Studio
from studio.words import BadInput
from ui.choices import model_choices, number, provider_choices, shapes
from ui.plan_line import plan_line
from ui.result import ResultView
from ui.runs import Runs, Step

_log = logging.getLogger(__name__)

CHIPS = range(1, 5)


def build_create(
    studio: Studio, views: dict[str, ResultView], say: gr.I18n, language: gr.Textbox
) -> None:
    """Build the tab inside the page that is open."""
    config, runs = studio.config, Runs(studio)
    with gr.Row(elem_id="create"):
        with gr.Column(scale=5, elem_classes="card"):
            prompt = gr.Textbox(
                label=say("prompt"), placeholder=say("prompt.placeholder"), lines=3, max_lines=8,
                autofocus=True, elem_id="prompt", show_label=False,
            )  # fmt: skip
            with gr.Row(elem_classes="chips"):
                chips = [gr.Button(say(f"chip.{n}"), size="sm", elem_id=f"chip-{n}") for n in CHIPS]
            line = gr.HTML(elem_id="plan", padding=False)
            with gr.Row():
                provider = gr.Dropdown(
                    [(say("provider.auto"), "auto")], value="auto", label=say("provider"),
                    elem_id="provider",
                )  # fmt: skip
                model = gr.Dropdown(
                    [(say("model.own"), "")], value="", label=say("model"), elem_id="model"
                )
            shape = gr.Radio(
                shapes(config.limits), value=shapes(config.limits)[0][1], label=say("shape"),
                elem_id="shape",
            )  # fmt: skip
            with gr.Accordion(say("advanced"), open=False, elem_id="advanced"):
                with gr.Row():
                    seed = gr.Textbox(label=say("seed"), info=say("seed.info"), elem_id="seed")
                    dice = gr.Button(say("seed.dice"), elem_id="dice")
                negative = gr.Textbox(label=say("negative"), info=say("negative.info"), lines=2)
                with gr.Row():
                    steps = gr.Textbox(label=say("steps"), info=say("steps.info"))
                    guidance = gr.Textbox(label=say("guidance"), info=say("guidance.info"))
            with gr.Row(elem_id="runrow"):
                run = gr.Button(say("run"), variant="primary", elem_id="run")
                stop = gr.Button(say("stop"), variant="stop", elem_id="stop", visible=False)
                gr.HTML(say("shortcut"), elem_id="shortcut", padding=False)
        with gr.Column(scale=7, elem_classes="card", elem_id="result"):
            result = gr.HTML('<div class="empty"></div>', elem_id="picture", padding=False)
            with gr.Row(elem_id="actions", visible=False) as actions:
                download = gr.HTML(padding=False)
                again = gr.Button(say("again"), size="sm")
                new_seed = gr.Button(say("new_seed"), size="sm")
            trail = gr.HTML(elem_id="trail", padding=False)
    last_seed = gr.Textbox(visible=False)

    async def make(
        prompt: str, provider: str, model: str, shape: str, seed: str, negative: str,
        steps: str, guidance: str, language: str, request: gr.Request,
    ) -> AsyncIterator[dict[Any, Any]]:  # fmt: skip
        view = views[language]
        width, height = shape.split("×")
        try:
            asked = studio.check(
                prompt=prompt, provider=provider, model=model, negative_prompt=negative or "",
                width=int(width), height=int(height), seed=number(seed, -1),
                steps=number(steps, 0), guidance=number(guidance, 0.0),
            )  # fmt: skip
        except BadInput as error:
            yield {result: view.bad(error), trail: "", actions: gr.update(visible=False)}
            return
        busy = {run: gr.update(visible=False), stop: gr.update(visible=True)}
        idle = {run: gr.update(visible=True), stop: gr.update(visible=False)}
        begun = False
        async for step in runs.follow(request, asked):
            first = {} if begun else {**busy, actions: gr.update(visible=False)}
            begun = True
            # The last step says all in one: what comes in two quick messages may lose the first.
            last = idle if step.is_last else {}
            yield {**first, **_draw(view, step), **last}
        if not begun:
            yield {result: gr.skip()}

    def _draw(view: ResultView, step: Step) -> dict[Any, Any]:
        """What the page shows for one step of a run."""
        if step.made:
            receipt = step.made.receipt
            return {
                result: view.made(step.made, step.prompt), download: view.download(step.made),
                actions: gr.update(visible=True), last_seed: _text(receipt.seed),
                trail: view.trail(receipt.attempts, receipt.paid_by),
            }  # fmt: skip
        if isinstance(step.error, NobodyCould):
            return {result: view.failed(step.error), trail: view.trail(step.error.attempts)}
        if isinstance(step.error, asyncio.CancelledError):
            shown = view.stopped(step.may_be_billed)
        elif step.error:
            _log.error("a run failed", exc_info=step.error)
            shown = view.fault()
        else:
            shown = view.running(step.row, step.progress, step.elapsed)
        return {result: shown, trail: view.trail(step.trail)}

    async def show_plan(provider: str, model: str, language: str, request: gr.Request) -> str:
        words = views[language].words
        try:
            asked = studio.check(prompt="-", provider=provider, model=model)
        except BadInput as error:
            return words.say(error.said)
        plan = await studio.plan(studio.visitor(request.headers), asked)
        return plan_line(config, plan, provider, words)

    async def show_choices(language: str, request: gr.Request) -> tuple[Any, Any]:
        words = views[language].words
        plan = await studio.plan(studio.visitor(request.headers))
        choices = provider_choices(config, plan, words)
        return gr.update(choices=choices), views[language].empty()

    def show_models(provider: str) -> Any:
        own = [(say("model.own"), "")]
        return gr.update(choices=[*own, *model_choices(config, provider)], value="")

    def stop_run(request: gr.Request) -> None:
        runs.stop(request)

    fields = [prompt, provider, model, shape, seed, negative, steps, guidance, language]
    outputs = [result, trail, actions, download, last_seed, run, stop]
    making: dict[str, Any] = {
        "fn": make, "inputs": fields, "outputs": outputs, "concurrency_limit": None,
        "show_progress": "hidden", "api_visibility": "private",
    }  # fmt: skip
    quiet: dict[str, Any] = {
        "queue": False, "show_progress": "hidden", "api_visibility": "private",
    }  # fmt: skip
    after = [gr.on([run.click, prompt.submit], **making)]
    for chip in chips:  # its text is what it says in the language of the page
        fill = f"() => document.getElementById('{chip.elem_id}').innerText.trim()"
        after.append(
            chip.click(None, None, prompt, js=fill, api_visibility="private").then(**making)
        )
    keep = again.click(None, last_seed, seed, js="(seed) => seed", api_visibility="private")
    drop = new_seed.click(None, None, seed, js="() => ''", api_visibility="private")
    after += [keep.then(**making), drop.then(**making)]
    dice_js = f"() => String(Math.floor(Math.random() * {MAX_SEED + 1}))"
    dice.click(None, None, seed, js=dice_js, api_visibility="private")
    stop.click(stop_run, None, None, **quiet)
    planning: dict[str, Any] = {
        "fn": show_plan, "inputs": [provider, model, language], "outputs": line, **quiet,
    }  # fmt: skip
    provider.change(show_models, provider, model, **quiet).then(**planning)
    model.input(**planning)
    for event in after:
        event.then(**planning)
    language.change(show_choices, language, [provider, result], **quiet).then(**planning)
    gr.context.Context.root_block.unload(stop_run)  # type: ignore[union-attr]


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
