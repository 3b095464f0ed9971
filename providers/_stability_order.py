"""A request for the one model that Stability's SDK still serves. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from providers._sides import refuse_other_shape, size_notes
from providers._stability_rest import seed_notes
from providers.base import PictureRequest

ENGINE = "stable-diffusion-xl-1024-v1-0"
SIZES = (
    (1024, 1024), (1152, 896), (896, 1152), (1216, 832), (832, 1216), (1344, 768), (768, 1344),
    (1536, 640), (640, 1536),
)  # fmt: skip
"""What it makes, and below in which bounds: as public clients of the API list them (2025), not seen
with Stability itself.
"""

MIN_STEPS, MAX_STEPS = 10, 30
"""It takes up to 50 steps; but more than 30 cost more than the price in config.yaml."""

MAX_GUIDANCE = 35.0


class Order(NamedTuple):
    """A request as the model takes it."""

    engine: str
    prompts: list[str]
    weights: list[float]
    settings: dict[str, Any]


def order_of(request: PictureRequest) -> Order:
    """Raises Unsupported if no such shape is made."""
    wanted = request.width, request.height
    size = min(SIZES, key=lambda made: _apart(wanted, made))
    refuse_other_shape(wanted, size)
    settings: dict[str, Any] = {"width": size[0], "height": size[1], "seed": request.seed}
    if request.steps is not None:
        settings["steps"] = max(MIN_STEPS, min(MAX_STEPS, request.steps))
    if request.guidance is not None:
        settings["cfg_scale"] = min(MAX_GUIDANCE, request.guidance)
    prompts, weights = [request.prompt], [1.0]
    if request.negative_prompt:
        prompts, weights = [*prompts, request.negative_prompt], [*weights, -1.0]
    return Order(request.model, prompts, weights, settings)


def notes_of(
    request: PictureRequest, order: Order, seed: int | None, made: tuple[int, int]
) -> Iterator[str]:
    """What was changed on the way to `order`, and what the picture of size `made` is like."""
    asked = order.settings["width"], order.settings["height"]
    yield from size_notes((request.width, request.height), asked, made)
    yield from seed_notes(request, seed)
    for name, sent in (("steps", "steps"), ("guidance", "cfg_scale")):
        wanted, given = getattr(request, name), order.settings.get(sent)
        if wanted != given:
            yield f"{name} {wanted:g} became {given:g}"


def _apart(one: tuple[int, int], other: tuple[int, int]) -> float:
    """How different two shapes are, alike for wider and for taller."""
    return abs(math.log(one[0] * other[1] / (one[1] * other[0])))
