"""A picture as Zhipu makes it: in which sizes, and where it lies. No I/O here.

Sizes: docs.z.ai/api-reference/image/generate-image and docs.bigmodel.cn (2026). The ones listed
there are recommended; any other within these bounds is taken too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from providers._sides import Sides, refuse_other_shape, size_notes
from providers._zai_errors import failure_of
from providers.base import PictureRequest
from providers.errors import (
    Spoilt,
)

COGVIEW = Sides(512, 2048, 16)
COGVIEW_PIXELS = 2**21
GLM_IMAGE = Sides(1024, 2048, 32)
"""Up to 2²² pixels, which is all that sides of 2048 can hold."""


def size_of(request: PictureRequest) -> tuple[int, int]:
    """The size to ask for. Raises Unsupported if the model makes no such shape."""
    wanted = request.width, request.height
    if request.model.startswith("glm-image"):
        return GLM_IMAGE.nearest(*wanted)
    width, height = COGVIEW.nearest(*wanted)
    shrink = math.sqrt(COGVIEW_PIXELS / (width * height))
    if shrink >= 1:
        return width, height
    step = COGVIEW.step
    near = int(width * shrink) // step * step, int(height * shrink) // step * step
    refuse_other_shape(wanted, near)
    return near


def address_in(answer: Any, key: str) -> str:
    """Where the picture lies. `answer` is what the SDK makes of a 200: what the JSON says, or the
    text of anything else. Raises a ProviderError.
    """
    if not isinstance(answer, Mapping):
        raise Spoilt("the answer is not JSON but something else")
    data = answer.get("data")
    first = data[0] if isinstance(data, list) and data else None
    url = first.get("url") if isinstance(first, Mapping) else None
    if not isinstance(url, str) or not url:
        raise failure_of(200, {}, json.dumps(answer).encode(), key)
    return url


def notes_of(
    request: PictureRequest, asked: tuple[int, int], made: tuple[int, int]
) -> Iterator[str]:
    yield from size_notes((request.width, request.height), asked, made)
    yield "seed ignored by cogview"
    if request.negative_prompt:
        yield "negative prompt ignored by cogview"
    if request.steps is not None:
        yield "steps ignored by cogview"
    if request.guidance is not None:
        yield "guidance ignored by cogview"
