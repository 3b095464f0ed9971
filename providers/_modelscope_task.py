"""A request as ModelScope takes it, and what its answers mean. No I/O here.

Parameters and their ranges are those of modelscope.cn/docs/model-service/API-Inference/intro.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from providers._answer import failure, said, words
from providers._rest import Reply
from providers._sides import Sides, size_notes
from providers.base import PictureRequest, Quota
from providers.errors import (
    QuotaExhausted,
    Spoilt,
)

MAX_SEED = 2**31 - 1
MAX_STEPS = 100
LEAST_GUIDANCE, MOST_GUIDANCE = 1.5, 20.0

LEFT, LIMIT = "modelscope-ratelimit-requests-remaining", "modelscope-ratelimit-requests-limit"
MODEL_LEFT = "modelscope-ratelimit-model-requests-remaining"
"""Headers: calls left today, to the user and of one model."""


def body_of(request: PictureRequest, options: Mapping[str, Any]) -> dict[str, Any]:
    """What to POST. Raises Unsupported if the model makes no such shape."""
    sides = Sides.of((options.get("sides") or {}).get(request.model) or {})
    width, height = sides.nearest(request.width, request.height)
    guidance = request.guidance
    if guidance is not None:
        guidance = max(LEAST_GUIDANCE, min(MOST_GUIDANCE, guidance))
    body = {
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt or None,
        "size": f"{width}x{height}",
        "seed": request.seed % (MAX_SEED + 1),
        "steps": None if request.steps is None else min(MAX_STEPS, request.steps),
        "guidance": guidance,
    }
    return {name: value for name, value in body.items() if value is not None}


def quota_in(reply: Reply) -> Quota | None:
    """What the service says is left of today's calls."""
    try:
        left, limit = Decimal(reply.headers[LEFT]), Decimal(reply.headers[LIMIT])
    except (KeyError, InvalidOperation):
        return None
    return Quota(left, limit, "images", None, datetime.now(timezone.utc))


def said_in(task: Mapping[str, Any]) -> str:
    """Why a task failed: `errors` holds a message."""
    errors = task.get("errors")
    return str(errors.get("message") or "") if isinstance(errors, Mapping) else ""


def refuse_failure(reply: Reply, key: str) -> None:
    """Raise what a status that is no success means. 429 stands for today's calls and for too many
    at a time; the headers tell them apart.
    """
    if reply.status == 200:
        return
    text = words(said(reply.body), key)
    if reply.status == 429 and "0" in (reply.headers.get(LEFT), reply.headers.get(MODEL_LEFT)):
        raise QuotaExhausted(f"today's calls are used up: {text}")
    raise failure(reply.status, reply.headers, text)


def mapping_in(reply: Reply) -> Mapping[str, Any]:
    """The JSON object in `reply`. Raises Unavailable if there is none."""
    answer = reply.json()
    if not isinstance(answer, Mapping):
        raise Spoilt("the answer is not understood")
    return answer


def address_in(task: Mapping[str, Any]) -> str:
    """Where the picture of a task that succeeded lies."""
    images = task.get("output_images")
    if not isinstance(images, list) or not images or not isinstance(images[0], str):
        raise Spoilt("the task succeeded without a picture")
    return images[0]


def notes_of(
    request: PictureRequest, body: Mapping[str, Any], made: tuple[int, int]
) -> Iterator[str]:
    """What was changed on the way to `body`, and what the picture is like."""
    width, height = map(int, str(body["size"]).split("x"))
    yield from size_notes((request.width, request.height), (width, height), made)
    if body["seed"] != request.seed:
        yield f"seed {request.seed} became {body['seed']}"
    if request.steps is not None and body["steps"] != request.steps:
        yield f"{request.steps} steps lowered to {body['steps']}"
    if request.guidance is not None and body["guidance"] != request.guidance:
        yield f"guidance {request.guidance:g} became {body['guidance']:g}"
