"""Reads the header of a picture: what it is, how large, and whether all of it came."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image

from providers.errors import Spoilt

MAX_SIDE = 16_384
"""Pixels. No provider here makes more; a header that claims more is a bomb, not a picture."""

MAX_BYTES = 32 * 1024 * 1024

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


class Header(NamedTuple):
    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> Header:
    """The header of `data`, which is not decoded. Raises Unavailable if it is no whole picture."""
    if not data:
        raise Spoilt("the answer was empty where a picture was due")
    if len(data) > MAX_BYTES:
        raise Spoilt(f"the picture is larger than {MAX_BYTES // 2**20} MiB")
    try:
        with Image.open(io.BytesIO(data), formats=list(_MEDIA_TYPES)) as image:
            header = Header(_MEDIA_TYPES[str(image.format)], *image.size)
    except Image.DecompressionBombError as error:
        raise Spoilt("the picture claims an absurd size") from error
    except (OSError, SyntaxError, ValueError) as error:
        if data[:4] == b"RIFF" and not _is_whole(data, "image/webp"):
            raise Spoilt("the picture broke off before its end") from error
        raise Spoilt(f"the answer is not a picture but {_describe(data)}") from error
    if max(header.width, header.height) > MAX_SIDE:
        raise Spoilt(f"the picture claims {header.width}×{header.height} pixels")
    if not _is_whole(data, header.media_type):
        raise Spoilt("the picture broke off before its end")
    return header


def _is_whole(data: bytes, media_type: str) -> bool:
    """Whether the end is there: the mark of the format, or the length that the header promises."""
    if media_type == "image/png":
        return b"IEND" in data[-64:]
    if media_type == "image/jpeg":
        return b"\xff\xd9" in data[-64:]
    if media_type == "image/webp":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return data.rstrip(b"\0")[-1:] == b"\x3b"


def _describe(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return "something else"
