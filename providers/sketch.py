"""Draws a landscape poster from the words of the prompt: no key, no network, no model.

A prompt is read into traits ("dusk", "sea", "fox"), first come first. What it leaves open is chosen
by a hash of its words, and where things stand by that hash and the seed. So the same words keep
their meaning and a new seed moves the camera.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from decimal import Decimal

from providers._sketch.poster import paint
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    Provider,
    SendsPromptTo,
    Traits,
)

TRAITS = Traits(
    needs_key=False,
    sample=True,
    models=(Model("sketch", Decimal(0)),),
    sends_prompt_to=SendsPromptTo("nowhere"),
)


def draw(prompt: str, width: int, height: int, seed: int) -> bytes:
    """The poster of `prompt` as PNG bytes; the same arguments give the same bytes."""
    png = io.BytesIO()
    paint(prompt, width, height, seed).save(png, "PNG", compress_level=3)
    return png.getvalue()


class Sketch:
    """The built-in provider: free, at once, and without a network."""

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        size = request.width, request.height
        data = await asyncio.to_thread(draw, request.prompt, *size, request.seed)
        given = {
            "negative prompt": request.negative_prompt or None,
            "steps": request.steps,
            "guidance": request.guidance,
        }
        notes = tuple(f"{name} ignored by sketch" for name in given if given[name] is not None)
        return Picture(data, "image/png", *size, request.seed, Decimal(0), notes)

    async def check(self, *, key: str | None) -> Check:
        return Check(True, "built in, needs no network")

    async def aclose(self) -> None:
        pass


def create(entry: Entry) -> Provider:
    return Sketch()
