"""A request in the words of `/sdapi/v1/txt2img`, and the picture in its answer. No I/O here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from providers._answer import words
from providers._header import Header, read_header
from providers.base import Picture, PictureRequest
from providers.errors import Spoilt

DEFAULT_MODEL = "default"
"""The model that the server has loaded, whichever that is."""

STEPS = 20
"""Where nobody says how many: the page of A1111 begins with 20, its API with 50."""


def body_of(request: PictureRequest, options: Mapping[str, Any]) -> dict[str, Any]:
    """What to POST. `options` may hold `steps`, `sampler_name` and `scheduler`."""
    body = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "width": _to_eight(request.width),
        "height": _to_eight(request.height),
        "seed": request.seed,
        "steps": request.steps or int(options.get("steps", STEPS)),
        "batch_size": 1,
        "n_iter": 1,
        "save_images": False,
    }
    if request.guidance is not None:
        body["cfg_scale"] = request.guidance
    body |= {name: options[name] for name in ("sampler_name", "scheduler") if options.get(name)}
    if request.model != DEFAULT_MODEL:
        body["override_settings"] = {"sd_model_checkpoint": request.model}
    return body


def picture_of(
    answer: Any,
    request: PictureRequest,
    options: Mapping[str, Any],
    names: Collection[str],
    cost_usd: Decimal | None,
) -> Picture:
    """The picture in `answer`, judged by itself: the server echoes a request that it did not obey.

    `names` are those of the model that was asked for. Raises Unavailable if there is no picture.
    """
    data = _first_image(answer)
    header = read_header(data)
    info = _info(answer)
    seed = info.get("seed")
    return Picture(
        data,
        header.media_type,
        header.width,
        header.height,
        seed if isinstance(seed, int) else request.seed,
        cost_usd,
        tuple(_notes(request, options, names, info, header)),
    )


def model_names(model: str, listed: Any) -> set[str] | None:
    """All names of `model` in the answer of `/sdapi/v1/sd-models`; None if it is not there."""
    for item in _models(listed):
        names = {str(item.get(key)) for key in ("title", "model_name") if item.get(key)}
        if model in names:
            return names
    return None


def titles(listed: Any) -> list[str]:
    """What to call the models in the answer of `/sdapi/v1/sd-models`."""
    return [str(item.get("model_name") or item.get("title")) for item in _models(listed)]


def _models(listed: Any) -> list[Mapping[str, Any]]:
    items = listed if isinstance(listed, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def _to_eight(side: int) -> int:
    """The nearest multiple of 8, upwards in doubt, so that the shape changes by under 10 %."""
    return max(8, (side + 4) // 8 * 8)


def _first_image(answer: Any) -> bytes:
    images = answer.get("images") if isinstance(answer, Mapping) else None
    if not isinstance(images, list) or not images or not isinstance(images[0], str):
        raise Spoilt("the answer holds no picture")
    text = images[0].partition(",")[2] if images[0].startswith("data:") else images[0]
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise Spoilt("the picture in the answer cannot be decoded") from error


def _info(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`info` is JSON in a string; without it nothing is known of what was really done."""
    try:
        info = json.loads(answer.get("info") or "{}")
    except (TypeError, ValueError):
        return {}
    return info if isinstance(info, Mapping) else {}


def _notes(
    request: PictureRequest,
    options: Mapping[str, Any],
    names: Collection[str],
    info: Mapping[str, Any],
    header: Header,
) -> Iterator[str]:
    if (header.width, header.height) != (request.width, request.height):
        yield f"made {header.width}×{header.height} instead of {request.width}×{request.height}"
    used = words(str(info.get("sd_model_name") or ""))
    if used and names and _stem(used) not in set(map(_stem, names)):
        yield f"made with {used} instead of {request.model}"
    wanted, used = (
        str(options.get("sampler_name") or ""),
        words(str(info.get("sampler_name") or "")),
    )
    if wanted and used and not _plain(wanted).startswith(_plain(used)):
        yield f"sampler {used} instead of {wanted}"


def _stem(name: str) -> str:
    """`name` of a checkpoint without folder, hash and extension: each server writes others."""
    name = re.split(r"[\\/]", name)[-1]
    return re.sub(r"(?i)\.(safetensors|ckpt|gguf|pt|sft)$", "", re.sub(r" \[\w+\]$", "", name))


def _plain(sampler: str) -> str:
    """A1111 says `Euler a` and sd.cpp `euler_a`; `DPM++ 2M Karras` comes back as `DPM++ 2M`."""
    return sampler.lower().replace(" ", "_")
