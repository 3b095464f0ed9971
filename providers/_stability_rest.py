"""Stability's REST API v2beta in its own words. No I/O here.

Fields and shapes: platform.stability.ai, stable-image/generate (2025-06). It takes no width and no
height, no steps, and guidance for Stable Diffusion 3.5 only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from providers._answer import failure, said, words
from providers._header import read_header
from providers._ratios import nearest_ratio, ratio_notes
from providers._rest import Reply
from providers.base import PictureRequest
from providers.errors import ProviderError, QuotaExhausted, Refused, Unavailable

PATHS = {
    "core": "core",
    "ultra": "ultra",
    "sd3.5-large": "sd3",
    "sd3.5-large-turbo": "sd3",
    "sd3.5-medium": "sd3",
}
"""Where each model is asked for, under v2beta/stable-image/generate."""

RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
MAX_SEED = 2**32 - 2
LEAST_GUIDANCE, MOST_GUIDANCE = 1.0, 10.0
FILTERED, MODERATED, UNPAID = "CONTENT_FILTERED", "content_moderation", "payment_required"


class Made(NamedTuple):
    """A picture as it came. `seed` is the one that the service says it used."""

    data: bytes
    seed: int | None


def form_of(request: PictureRequest) -> dict[str, str]:
    """What to POST. Raises Unsupported if no such shape is made."""
    form = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "aspect_ratio": nearest_ratio(request.width, request.height, RATIOS),
        "seed": str(min(request.seed, MAX_SEED)),
        "output_format": "png",
    }
    if PATHS[request.model] == "sd3":
        form["model"] = request.model
        if request.guidance is not None:
            form["cfg_scale"] = f"{max(LEAST_GUIDANCE, min(MOST_GUIDANCE, request.guidance)):g}"
    return {name: value for name, value in form.items() if value}


def made_of(reply: Reply, request: PictureRequest, key: str) -> Made:
    """The picture in `reply`. Raises a ProviderError: a blurred one comes with 200 as well."""
    if reply.status != 200:
        raise failure_of(reply, key)
    reason = reply.headers.get("finish-reason") or _field(reply.body, "finish_reason")
    if reason == FILTERED:
        raise Refused("the picture was held back by the content filter of Stability")
    if reason == "ERROR":
        raise Unavailable("the picture failed")
    if not reply.headers.get("content-type", "").startswith("image/"):
        read_header(reply.body)  # says what came instead; whatever calls itself a picture is one
    seed = reply.headers.get("seed", "")
    asked = min(request.seed, MAX_SEED) or None
    return Made(reply.body, int(seed) if seed.isascii() and seed.isdigit() else asked)


def notes_of(
    request: PictureRequest, form: Mapping[str, str], seed: int | None, made: tuple[int, int]
) -> Iterator[str]:
    """What was changed on the way to `form`, and what the picture of size `made` is like."""
    yield from ratio_notes(request.width, request.height, form["aspect_ratio"], made)
    yield from seed_notes(request, seed)
    if request.steps is not None:
        yield "steps ignored by stability"
    guidance = form.get("cfg_scale")
    if request.guidance is not None and guidance is None:
        yield "guidance ignored by stability"
    elif guidance is not None and float(guidance) != request.guidance:
        yield f"guidance {request.guidance:g} became {guidance}"


def seed_notes(request: PictureRequest, seed: int | None) -> Iterator[str]:
    """`seed` is the one that was used; who asks for 0 there gets any."""
    if seed != request.seed:
        yield f"seed {request.seed} became " + ("a random one" if seed is None else str(seed))


def failure_of(reply: Reply, key: str) -> ProviderError:
    """What an answer that is no success means. Its `name` decides: what the moderation says has
    come with 402 as well as with 403.
    """
    text, name = words(said(reply.body), key), _field(reply.body, "name")
    if name == MODERATED:
        return Refused(text or "the content policy does not allow this prompt")
    if name == UNPAID:
        return QuotaExhausted(f"the credit is used up ({reply.status}): {text}")
    return failure(reply.status, reply.headers, text)


def credits_in(reply: Reply) -> Decimal:
    """What is left, by the answer to v1/user/balance. Raises Unavailable if it does not say."""
    left = _field(reply.body, "credits")
    if isinstance(left, bool) or not isinstance(left, (int, float)) or not math.isfinite(left):
        raise Unavailable("the answer does not say what is left")
    return Decimal(str(left))


def _field(body: bytes, name: str) -> Any:
    """What a JSON object has as `name`; None where there is none, or no JSON."""
    if body.lstrip()[:1] != b"{":
        return None
    try:
        return json.loads(body).get(name)
    except ValueError:
        return None
