"""A request in the words of a Space's API, and the picture in its result. No I/O here.

Each Space has parameters of its own, and changes them without notice; so the map stands in config:

    options:
      spaces:
        owner/name:                # a model of the entry
          space: owner/name        # or an https address; left out, it is the name of the model
          api_name: /infer
          parameters: {prompt: prompt, seed: seed, randomize_seed: false, width: width}
          sides: {min: 256, max: 2048, step: 32}      # what its sliders allow, where it has any
          max_steps: 50
          max_seed: 2147483647

A parameter whose value is a field of ours gets that field, or nothing where the request leaves it
open; all other values are constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers._sides import Sides
from providers.base import PictureRequest
from providers.errors import NotConfigured

FIELDS = ("prompt", "negative_prompt", "seed", "width", "height", "steps", "guidance")


@dataclass(frozen=True)
class Space:
    """How to call one Space. `name` is `owner/name` or an address."""

    name: str
    api_name: str
    parameters: Mapping[str, Any]
    sides: Sides
    max_steps: int | None = None
    max_seed: int | None = None

    def takes(self, name: str) -> bool:
        return name in self.parameters.values()


@dataclass(frozen=True)
class Call:
    """What a Space is called with; `size` is what it was asked for, `notes` what was changed."""

    arguments: Mapping[str, Any] = field(repr=False)
    size: tuple[int, int]
    seed: int | None
    notes: tuple[str, ...]


def space_of(options: Mapping[str, Any], model: str) -> Space:
    """The Space for `model`. Raises NotConfigured if config.yaml says not how to call it."""
    found = (options.get("spaces") or {}).get(model)
    if not isinstance(found, Mapping) or not isinstance(found.get("parameters"), Mapping):
        raise NotConfigured(f"options.spaces does not say how to call {model}")
    return Space(
        name=str(found.get("space") or model),
        api_name="/" + str(found.get("api_name") or "infer").lstrip("/"),
        parameters=found["parameters"],
        sides=Sides.of(found.get("sides") or {}),
        max_steps=found.get("max_steps"),
        max_seed=found.get("max_seed"),
    )


def call_of(space: Space, request: PictureRequest) -> Call:
    """Raises Unsupported if the shape asked for is none that the Space makes."""
    size = (request.width, request.height)
    if space.takes("width") and space.takes("height"):
        size = space.sides.nearest(*size)
    steps, seed = request.steps, request.seed
    if steps is not None and space.max_steps is not None:
        steps = min(steps, space.max_steps)
    if space.max_seed is not None:
        seed %= space.max_seed + 1
    values = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or None,
        "seed": seed,
        "width": size[0],
        "height": size[1],
        "steps": steps,
        "guidance": request.guidance,
    }
    filled = {
        name: values[value] if isinstance(value, str) and value in FIELDS else value
        for name, value in space.parameters.items()
    }
    arguments = {
        name: value
        for name, value in filled.items()
        if value is not None or space.parameters[name] is None
    }
    notes = [*_ignored(space, request)]
    if steps != request.steps and space.takes("steps"):
        notes.append(f"{request.steps} steps lowered to {steps}")
    if seed != request.seed and space.takes("seed"):
        notes.append(f"seed {request.seed} became {seed}")
    return Call(arguments, size, seed if space.takes("seed") else None, tuple(notes))


def _ignored(space: Space, request: PictureRequest) -> Iterator[str]:
    given = {
        "negative prompt": bool(request.negative_prompt),
        "seed": True,
        "steps": request.steps is not None,
        "guidance": request.guidance is not None,
    }
    for name, is_given in given.items():
        if is_given and not space.takes(name.replace(" ", "_")):
            yield f"{name} ignored by zerogpu"


def picture_in(result: Any) -> str | None:
    """Where on the Space's machine the first file of `result` lies. Files are mappings with a
    `path` (Gradio's FileData), in a gallery within further ones.
    """
    if isinstance(result, Mapping):
        path = result.get("path")
        if isinstance(path, str) and path:
            return path
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return next(filter(None, map(picture_in, result)), None)
    return None


def seed_in(result: Any) -> int | None:
    """The seed that a Space says it used: the first whole number beside the picture."""
    for value in result if isinstance(result, (list, tuple)) else ():
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if whole and not isinstance(value, bool):
            return int(value)
    return None
