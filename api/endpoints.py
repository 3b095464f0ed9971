"""The Gradio doors `/generate` and `/costs`: plain arguments in, checked in the studio."""

# No `from __future__ import annotations` here: Gradio reads the return types as they stand.

import asyncio
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.components.api_component import Api

from studio.costs import HEADERS, cost_rows
from studio.gallery import hand_out
from studio.receipt import NobodyCould
from studio.request import check_key
from studio.studio import Made, Studio
from studio.words import BadInput


def add_endpoints(page: gr.Blocks, studio: Studio, handed_out: Path) -> None:
    """Hang the doors on the page. Pictures go out through `handed_out`, a folder below Gradio's
    cache.
    """

    async def generate(
        request: gr.Request,
        prompt: str = "",
        provider: str = "auto",
        model: str = "",
        negative_prompt: str = "",
        width: int = 1024,
        height: int = 1024,
        seed: int = -1,
        steps: int = 0,
        guidance: float = 0.0,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make a picture from a prompt through the first provider that can, the free ones first.

        A second call with the same header Idempotency-Key gets what came of the first.

        Args:
            prompt: What to see.
            provider: auto, or the name of an entry of config.yaml.
            model: A model of that provider; empty is its own.
            negative_prompt: What not to see.
            width: Pixels.
            height: Pixels.
            seed: -1 draws one.
            steps: 0 is the provider's own.
            guidance: 0 is the provider's own.
        Returns:
            The picture's file, and the receipt.
        """
        try:
            asked = studio.check(
                prompt=prompt, provider=provider, model=model, negative_prompt=negative_prompt,
                width=width, height=height, seed=seed, steps=steps, guidance=guidance,
            )  # fmt: skip
            key = check_key(request.headers.get("idempotency-key"))
            visitor = studio.visitor(request.headers)
            made = await studio.generate(asked, visitor, idempotency_key=key)
        except (BadInput, NobodyCould) as error:
            raise gr.Error(str(error), print_exception=False) from error
        return await asyncio.to_thread(_file, made, handed_out), made.receipt.as_dict()

    async def costs(request: gr.Request) -> dict[str, Any]:
        """The cost and quota table of this moment: headers, and a row for each offer."""
        plan = await studio.plan(studio.visitor(request.headers))
        return {"headers": HEADERS, "rows": cost_rows(plan, await studio.figures())}

    with page:
        gr.api(generate, api_name="generate", concurrency_limit=None)
        gr.api(costs, api_name="costs", concurrency_limit=None)
    _fill_in(page)


def _fill_in(page: gr.Blocks) -> None:
    """Let a raw call leave out the last arguments, as Gradio's own clients may: by itself Gradio
    answers that with an error without words.
    """
    validate = page.validate_inputs

    def fill_in_and_validate(block_fn: BlockFunction, inputs: list[Any]) -> None:
        left_out = block_fn.inputs[len(inputs) :]
        inputs += [argument.value for argument in left_out if isinstance(argument, Api)]
        validate(block_fn, inputs)

    page.validate_inputs = fill_in_and_validate  # type: ignore[method-assign]


def _file(made: Made, handed_out: Path) -> dict[str, Any]:
    """The picture as Gradio hands out files: a capability in its cache, the bytes not copied."""
    path = hand_out(made.path, handed_out, f"freebrush-{made.receipt.sha256[:8]}")
    return {
        "path": str(path),
        "mime_type": made.receipt.media_type,
        "orig_name": path.name,
        "meta": {"_type": "gradio.FileData"},
    }
