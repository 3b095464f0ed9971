"""A job of the AI Horde: how it is asked for, how far it is, what came of it. No I/O here.

Limits of anonymous jobs and the error codes (`rc`) are those of Haidra-Org/AI-Horde at fbd5ed46
(2026-08-06); the negative prompt follows the prompt behind `###`, as the Horde has it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from providers._answer import failure, said, words
from providers._header import Header, read_header
from providers._rest import Reply
from providers._sides import Sides, size_notes
from providers.base import PictureRequest, Progress
from providers.errors import (
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)

SIDES = Sides(min=64, max=1024, step=64)
STEPS, MAX_STEPS = 20, 40
SECONDS_UNSAID = 30
"""To wait where too many requests are answered without a time."""

_BY_CODE: dict[str, type[ProviderError]] = {
    "InvalidAPIKey": NotConfigured,
    "KudosUpfront": QuotaExhausted,
    "TimeoutIP": RateLimited,
    "TooManyPrompts": RateLimited,
    "CorruptPrompt": Refused,
    "RequestNotFound": Unavailable,
    "MaintenanceMode": Unavailable,
}


def body_of(request: PictureRequest, options: Mapping[str, Any], any_model: str) -> dict[str, Any]:
    """What to POST. Raises Unsupported for a shape that 64-pixel steps cannot come near."""
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
        params["cfg_scale"] = request.guidance
    models = {} if request.model == any_model else {"models": [request.model]}
    # Without r2 the picture comes in the answer, and not from an address on another host.
    return {"prompt": request.prompt + negative, "params": params, "r2": False, **models}


def is_over(check: Any, seconds_left: float) -> bool:
    """Whether the job is done. Raises what ends the wait for it."""
    if not isinstance(check, Mapping):
        raise Unavailable("the answer is not understood")
    if check.get("faulted"):
        raise Unavailable("the job failed at the volunteer's machine")
    if check.get("is_possible") is False:
        raise Unsupported("no volunteer serves this model and size now")
    wait = check.get("wait_time")
    if not check.get("done") and isinstance(wait, (int, float)) and wait > seconds_left:
        raise Unavailable(f"busy: the queue takes about {round(wait)} s more")
    return bool(check.get("done"))


def progress_in(check: Mapping[str, Any]) -> Progress:
    place, wait = check.get("queue_position"), check.get("wait_time")
    return Progress(
        queue_place=place if isinstance(place, int) and place > 0 else None,
        eta_seconds=float(wait) if isinstance(wait, (int, float)) else None,
    )


def picture_in(status: Any, key: str | None) -> tuple[bytes, Header, int | None]:
    """The bytes, their header and the seed that was used. Raises a ProviderError."""
    made = status.get("generations") if isinstance(status, Mapping) else None
    first = made[0] if isinstance(made, list) and made else None
    if not isinstance(first, Mapping):
        raise Unavailable("the job ended without a picture")
    notes = first.get("gen_metadata") or []
    if first.get("censored") or any(n.get("type") == "censorship" for n in notes):
        raise Refused("the picture was censored by the volunteer's machine")
    try:
        data = base64.b64decode(str(first.get("img") or "").rpartition(",")[2], validate=True)
    except ValueError as error:
        raise Unavailable("the picture in the answer cannot be decoded") from error
    seed = str(first.get("seed") or "")
    return data, read_header(data), int(seed) if seed.isdecimal() else None


def refuse_failure(reply: Reply, key: str | None) -> None:
    """Raise what an answer without success means: by its `rc`, or else by its status."""
    if reply.status in (200, 202):
        return
    text, code = words(said(reply.body), key), _code(reply.body)
    kind = _BY_CODE.get(code)
    if kind is RateLimited:
        seconds = re.search(r"(\d+) more seconds", text)
        wait = timedelta(seconds=int(seconds[1]) if seconds else SECONDS_UNSAID)
        raise RateLimited(text, datetime.now(timezone.utc) + wait)
    if kind is not None:
        raise kind(text or code)
    if reply.status == 400:
        raise Unsupported(text or "the request was not accepted")
    raise failure(reply.status, reply.headers, text)


def notes_of(
    request: PictureRequest, body: Mapping[str, Any], made: tuple[int, int]
) -> Iterator[str]:
    """What was changed on the way to `body`, and what the picture is like."""
    params = body["params"]
    asked = (params["width"], params["height"])
    yield from size_notes((request.width, request.height), asked, made)
    if request.steps is not None and params["steps"] != request.steps:
        yield f"{request.steps} steps lowered to {params['steps']}"


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body).get("rc") or "")
    except (AttributeError, ValueError):
        return ""
