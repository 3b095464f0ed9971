"""A picture as an OpenAI-compatible host makes it: what to ask, and what comes. No I/O here."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from providers._openai_errors import failure_of
from providers._rest import Reply
from providers._sides import refuse_other_shape, size_notes
from providers.base import Entry, PictureRequest
from providers.errors import NotConfigured, Spoilt

Options = Mapping[str, Any]


class Wish(NamedTuple):
    """What to ask for: the arguments of the SDK's `images.generate`, and the size in them."""

    arguments: Mapping[str, Any]
    size: tuple[int, int]


def wish_of(request: PictureRequest, options: Options) -> Wish:
    """Raises Unsupported if none of the sizes that `options` allow has the shape asked for."""
    size = _size_of(request, options)
    extra = {**(options.get("extra_body") or {}), **_values(request, options)}
    arguments: dict[str, Any] = {"prompt": request.prompt, "model": request.model, "n": 1}
    size_field = str(options.get("size_field") or "size")
    (arguments if size_field == "size" else extra)[size_field] = f"{size[0]}x{size[1]}"
    if form := options.get("response_format", "b64_json"):
        arguments["response_format"] = form
    if extra:
        arguments["extra_body"] = extra
    return Wish(arguments, size)


def takes(options: Options, name: str) -> bool:
    """Whether the host takes our `seed`, `negative_prompt`, `steps` or `guidance`."""
    return bool((options.get("fields") or {}).get(name))


def picture_in(reply: Reply, key: str | None) -> bytes | str:
    """The picture, or the address at which it lies. Raises a ProviderError."""
    answer = reply.json()
    data = answer.get("data") if isinstance(answer, Mapping) else None
    first = data[0] if isinstance(data, list) and data else None
    if not isinstance(first, Mapping):
        raise failure_of(reply, key)
    inline, url = first.get("b64_json"), first.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        inline = url
    if isinstance(inline, str) and inline:
        try:
            return base64.b64decode(inline.rpartition(",")[2])
        except ValueError as error:
            raise Spoilt("the picture in the answer cannot be decoded") from error
    if isinstance(url, str) and url:
        return url
    raise Spoilt("the answer holds no picture")


def notes_of(
    request: PictureRequest, entry: Entry, asked: tuple[int, int], made: tuple[int, int]
) -> Iterator[str]:
    """What became of the size, and what was not sent."""
    yield from size_notes((request.width, request.height), asked, made)
    for name, value in _ours(request).items():
        if value is not None and not takes(entry.options, name):
            yield f"{name.replace('_', ' ')} ignored by {entry.name}"


def _values(request: PictureRequest, options: Options) -> Mapping[str, Any]:
    """Our optional values, under the names that this host has for them."""
    fields = options.get("fields") or {}
    return {
        str(fields[name]): value
        for name, value in _ours(request).items()
        if value is not None and takes(options, name)
    }


def _ours(request: PictureRequest) -> Mapping[str, Any]:
    return {
        "seed": request.seed,
        "negative_prompt": request.negative_prompt or None,
        "steps": request.steps,
        "guidance": request.guidance,
    }


def _size_of(request: PictureRequest, options: Options) -> tuple[int, int]:
    """Of the sizes allowed the one of the nearest shape, and of these the nearest in area."""
    wanted = request.width, request.height
    allowed = [_sides_of(text) for text in options.get("sizes") or ()]
    if not allowed:
        return wanted

    def distance(size: tuple[int, int]) -> tuple[float, float]:
        shape = math.log(size[0] * wanted[1] / (size[1] * wanted[0]))
        area = math.log(size[0] * size[1] / (wanted[0] * wanted[1]))
        return abs(shape), abs(area)

    near = min(allowed, key=distance)
    refuse_other_shape(wanted, near)
    return near


def _sides_of(text: Any) -> tuple[int, int]:
    width, _, height = str(text).partition("x")
    try:
        return int(width), int(height)
    except ValueError as error:
        raise NotConfigured(f"options.sizes has {text}, which is not like 1024x1024") from error
