"""One call of a pipeline: what it is given, and what becomes of that. No two pipelines take the
same; each is given what its `__call__` names.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from providers._answer import words
from providers._diffusers_load import is_out_of_memory
from providers._sides import Sides, size_notes
from providers.base import Picture, PictureRequest
from providers.errors import Refused, Unavailable, Unsupported

_NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}


class Stopped(Exception):
    """Nobody wants the picture any more."""


@dataclass(frozen=True)
class Call:
    """Plain values, so that the call may be made in another process, as on a ZeroGPU Space."""

    arguments: Mapping[str, Any]
    seed: int | None
    size: tuple[int, int]
    ignored: tuple[str, ...]

    @classmethod
    def of(cls, pipe: Any, request: PictureRequest, options: Mapping[str, Any]) -> Call:
        """Raises Unsupported for a pipeline that makes no picture of a prompt alone."""
        takes = inspect.signature(pipe.__call__).parameters
        needed = {name for name, each in takes.items() if each.default is each.empty}
        needed -= {name for name, each in takes.items() if each.kind is each.VAR_KEYWORD}
        if "prompt" not in takes or needed - {"prompt"}:
            raise Unsupported(f"{type(pipe).__name__} makes no picture of a prompt alone")
        size = _sides_of(pipe, options).nearest(request.width, request.height)
        wishes: dict[str, Any] = {"width": size[0], "height": size[1]}
        if request.negative_prompt:
            wishes["negative_prompt"] = request.negative_prompt
        for name, theirs in _NAMES.items():
            wish = getattr(request, name)
            wish = options.get(name) if wish is None else wish
            if wish is not None:
                wishes[theirs] = wish
        given = {name: wish for name, wish in wishes.items() if name in takes}
        ignored = [
            name
            for name in ("negative_prompt", *_NAMES)
            if getattr(request, name) not in (None, "") and _NAMES.get(name, name) not in given
        ]
        seed = request.seed if "generator" in takes else None
        if seed is None:
            ignored.append("seed")
        return cls({"prompt": request.prompt, **given}, seed, size, tuple(ignored))


def run(pipe: Any, call: Call, step: Callable[[int, int], None] | None = None) -> Any:
    """What the pipeline made of `call`; `step` is told how many steps are done, of how many, and
    ends the work there and then with `Stopped`: diffusers' own `_interrupt` would still decode what
    there is. Raises a ProviderError.
    """
    import torch

    arguments: dict[str, Any] = dict(call.arguments)
    if call.seed is not None:  # one of the CPU's draws the same noise for every device
        arguments["generator"] = torch.Generator("cpu").manual_seed(call.seed)

    def after_step(pipe: Any, index: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if step:
            step(index + 1, max(index + 1, getattr(pipe, "num_timesteps", 0)))
        return tensors

    if "callback_on_step_end" in inspect.signature(pipe.__call__).parameters:
        arguments["callback_on_step_end"] = after_step
    try:
        return pipe(**arguments)
    except Stopped:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            size = f"{call.size[0]}×{call.size[1]}"
            raise Unavailable(f"not enough memory for {size}; ask for a smaller size") from error
        said = words(str(error)) or type(error).__name__
        if isinstance(error, (TypeError, ValueError)):
            raise Unsupported(f"the pipeline does not take that: {said}") from error
        raise Unavailable(f"the pipeline failed: {said}") from error


def picture_of(
    pipe: Any, result: Any, request: PictureRequest, call: Call, cost: Decimal | None
) -> Picture:
    """The picture in what a pipeline gave back, as PNG: this is where it is first encoded."""
    images = getattr(result, "images", None)
    if not images:
        raise Unsupported(f"{type(pipe).__name__} makes no pictures")
    if any(getattr(result, "nsfw_content_detected", None) or ()):
        raise Refused("the model's safety checker withheld the picture")
    png = io.BytesIO()
    images[0].save(png, "PNG", compress_level=3)
    width, height = images[0].size
    notes = tuple(_notes(pipe, request, call, (width, height)))
    return Picture(png.getvalue(), "image/png", width, height, call.seed, cost, notes)


def _sides_of(pipe: Any, options: Mapping[str, Any]) -> Sides:
    """What the pipeline can make: multiples of a latent's pixels, and a transformer takes the
    latents two by two. `sides` in the options says it otherwise, and how large is still good.
    """
    step = int(getattr(pipe, "vae_scale_factor", 8)) * (2 if hasattr(pipe, "transformer") else 1)
    return Sides.of({"step": step, **(options.get("sides") or {})})


def _notes(pipe: Any, request: PictureRequest, call: Call, made: tuple[int, int]) -> Iterator[str]:
    ignored = list(call.ignored)
    if "negative_prompt" in call.arguments and not _heeds_negative(pipe):
        ignored.insert(0, "negative_prompt")
    for name in ignored:
        yield f"{name.replace('_', ' ')} ignored by diffusers_local"
    yield from size_notes((request.width, request.height), call.size, made)


def _heeds_negative(pipe: Any) -> bool:
    """Whether the call that was just made heeded a negative prompt: without guidance it does not,
    and those with a true guidance of their own only where that is on by default.
    """
    true_guidance = inspect.signature(pipe.__call__).parameters.get("true_cfg_scale")
    if true_guidance:
        return bool(true_guidance.default and true_guidance.default > 1)
    return bool(getattr(pipe, "do_classifier_free_guidance", True))
