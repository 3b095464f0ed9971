"""A job of the AI Horde: how it is asked for, how far it is, what came of it. No I/O here.

Limits of anonymous jobs are those of Haidra-Org/AI-Horde at fbd5ed46 (2026-08-06); the negative
prompt follows the prompt behind `###`, as the Horde has it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from providers._answer import words
from providers._sides import Sides, size_notes
from providers.base import PictureRequest, Progress
from providers.errors import (
    Refused,
    Spoilt,
    Unavailable,
    Unsupported,
)

ANY_MODEL = "any"
"""Whatever model a volunteer has loaded."""

SIDES = Sides(min=64, max=1024, step=64)
STEPS, MAX_STEPS = 20, 40


def body_of(request: PictureRequest, options: Mapping[str, Any]) -> dict[str, Any]:
    """What to POST; `options.request` adds to it. Raises Unsupported for a shape that steps of 64
    pixels cannot come near.
    """
    width, height = SIDES.nearest(request.width, request.height)
    negative = f" ### {request.negative_prompt}" if request.negative_prompt else ""
    params: dict[str, Any] = {
        "width": width,
        "height": height,
        "steps": min(request.steps or int(options.get("steps", STEPS)), MAX_STEPS),
        "seed": str(request.seed),
        "n": 1,
    }
    if request.guidance is not None:
        params["cfg_scale"] = round(request.guidance, 2)  # more digits are refused
    models = {} if request.model == ANY_MODEL else {"models": [request.model]}
    # Without r2 the picture comes in the answer, and not from an address on another host.
    body = {"prompt": request.prompt + negative, "params": params, "r2": False, **models}
    return {**body, **(options.get("request") or {})}


def is_over(check: Any, longest: float) -> bool:
    """Whether the job is done. Raises what ends the wait for it, such as more than `longest`
    seconds still to wait. That nobody serves it now is no outage: another model may be served.
    """
    if not isinstance(check, Mapping):
        raise Spoilt("the answer is not understood")
    if check.get("faulted"):
        raise Unavailable("the job failed at the volunteer's machine")
    if check.get("done"):
        return True
    if check.get("is_possible") is False:
        raise Unsupported("no volunteer serves this model and size now")
    wait = check.get("wait_time")
    if isinstance(wait, (int, float)) and wait > longest:
        raise Unavailable(f"busy: the queue takes about {round(wait)} s more")
    return False


def progress_in(check: Mapping[str, Any]) -> Progress:
    place, wait = check.get("queue_position"), check.get("wait_time")
    return Progress(
        queue_place=place if isinstance(place, int) and place > 0 else None,
        eta_seconds=float(wait) if isinstance(wait, (int, float)) else None,
        words="painting" if check.get("processing") else "waiting",
    )


def made_in(status: Any) -> Mapping[str, Any]:
    """What the volunteer's machine made. Raises Refused for a picture that it censored."""
    made = status.get("generations") if isinstance(status, Mapping) else None
    first = made[0] if isinstance(made, list) and made else None
    if not isinstance(first, Mapping):
        raise Spoilt("the job ended without a picture")
    told = [note for note in first.get("gen_metadata") or [] if isinstance(note, Mapping)]
    if first.get("censored") or any(note.get("type") == "censorship" for note in told):
        raise Refused("the picture was censored by the volunteer's machine")
    return first


def decoded(text: str) -> bytes:
    """The bytes of a picture that came in base64."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except ValueError as error:
        raise Spoilt("the picture in the answer cannot be decoded") from error


def seed_of(made: Mapping[str, Any]) -> int | None:
    """A number as text, there and back."""
    seed = str(made.get("seed") or "")
    return int(seed) if seed.isdecimal() else None


def notes_of(
    request: PictureRequest,
    body: Mapping[str, Any],
    made: Mapping[str, Any],
    size: tuple[int, int],
    key: str | None,
) -> Iterator[str]:
    """What was changed on the way to `body`, and what the picture is like."""
    params = body["params"]
    asked = (params["width"], params["height"])
    yield from size_notes((request.width, request.height), asked, size)
    if request.steps is not None and params["steps"] != request.steps:
        yield f"{request.steps} steps lowered to {params['steps']}"
    if request.guidance is not None and params["cfg_scale"] != request.guidance:
        yield f"guidance {request.guidance:g} became {params['cfg_scale']:g}"
    model = words(str(made.get("model") or ""), key)
    if model and model != request.model:
        yield f"made with {model}"
