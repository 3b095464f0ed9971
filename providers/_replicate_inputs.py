"""A request in the words of a model at Replicate. No I/O here.

Each model has inputs of its own, so the map stands in config:

    options:
      inputs:
        owner/name:                # a model of the entry; without, it gets the usual inputs
          fields: {prompt: prompt, aspect_ratio: aspect_ratio, seed: seed, output_format: png}
          aspect_ratios: ["1:1", "16:9"]              # where it takes one of these, and no sides
          sides: {min: 64, max: 1024, step: 64}       # where it takes width and height
          steps: [1, 4]
          guidance: [1, 50]

A field whose value is a name of ours gets what that stands for, or is left out where the request
has nothing; all other values are constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers._ratios import nearest_ratio, ratio_notes
from providers._sides import Sides, size_notes
from providers.base import PictureRequest
from providers.errors import NotConfigured

USUAL: Mapping[str, Any] = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "width": "width",
    "height": "height",
    "seed": "seed",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
}


@dataclass(frozen=True)
class Inputs:
    """What one request becomes. `sent` is the `input` of the prediction."""

    request: PictureRequest
    sent: Mapping[str, Any] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    taken: frozenset[str]

    @property
    def seed(self) -> int | None:
        return self.request.seed if "seed" in self.taken else None

    def notes(self, made: tuple[int, int]) -> Iterator[str]:
        """What was changed and ignored on the way, and what the picture of size `made` is like."""
        request, wanted = self.request, (self.request.width, self.request.height)
        if "aspect_ratio" in self.taken:
            yield from ratio_notes(*wanted, self.values["aspect_ratio"], made)
        else:
            yield from size_notes(wanted, (self.values["width"], self.values["height"]), made)
        if request.negative_prompt and "negative_prompt" not in self.taken:
            yield "negative prompt ignored by replicate"
        if "seed" not in self.taken:
            yield "seed ignored by replicate"
        for name in ("steps", "guidance"):
            asked, sent = getattr(request, name), self.values[name]
            if asked is not None and name not in self.taken:
                yield f"{name} ignored by replicate"
            elif asked != sent:
                yield f"{name} {asked:g} became {sent:g}"


def inputs_of(request: PictureRequest, options: Mapping[str, Any]) -> Inputs:
    """Raises Unsupported if the model makes no such shape, NotConfigured if the map is none."""
    known = (options.get("inputs") or {}).get(request.model) or {}
    if not isinstance(known, Mapping) or not isinstance(known.get("fields", {}), Mapping):
        raise NotConfigured(f"options.inputs does not say what {request.model} takes")
    fields = known.get("fields") or USUAL
    names = {value for value in fields.values() if isinstance(value, str)}
    values = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or None,
        "seed": request.seed,
        "steps": _within(request.steps, known.get("steps")),
        "guidance": _within(request.guidance, known.get("guidance")),
        **_shape(request, known, names),
    }
    filled = {
        name: values[value] if isinstance(value, str) and value in values else value
        for name, value in fields.items()
    }
    sent = {name: value for name, value in filled.items() if value is not None}
    return Inputs(request, sent, values, frozenset(names & set(values)))


def _shape(request: PictureRequest, known: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    size = request.width, request.height
    if "aspect_ratio" in names:
        ratios = known.get("aspect_ratios")
        if not isinstance(ratios, list) or not ratios:
            raise NotConfigured(f"options.inputs has no aspect_ratios for {request.model}")
        return {"aspect_ratio": nearest_ratio(*size, ratios)}
    if {"width", "height"} <= names:
        size = Sides.of(known.get("sides") or {}).nearest(*size)
    return {"width": size[0], "height": size[1]}


def _within(number: Any, bounds: Any) -> Any:
    """`number` (or None), not below the first of `bounds` and not above the second."""
    return number if number is None or not bounds else max(bounds[0], min(bounds[1], number))
