"""GET /pictures/{sha256}: a stored picture for whoever holds a signed link to it."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from studio.signing import Signer
from studio.studio import Studio

_CACHE = "private, max-age=31536000, immutable"
THUMBNAIL_SIDES = range(16, 1025)
"""Pixels that `?w=` may ask for."""


def picture_route(studio: Studio, signer: Signer) -> Route:
    """The route; `?w=256` gives a thumbnail, `?download=1` a file to save."""

    async def picture(request: Request) -> Response:
        sha256, query = request.path_params["sha256"], request.query_params
        if not signer.is_good(sha256, query.get("until", ""), query.get("sign", "")):
            return PlainTextResponse("This link is not valid, or its time is over.", 403)
        found = await asyncio.to_thread(studio.gallery.find, sha256)
        if not found:
            return PlainTextResponse("There is no such picture here.", 404)
        path, media_type = found
        width = query.get("w", "")
        if width and not (width.isdecimal() and len(width) < 5 and int(width) in THUMBNAIL_SIDES):
            return PlainTextResponse("w must be a whole number from 16 to 1024 (pixels).", 400)
        etag = f'"{sha256}{width and "-" + width}"'
        headers = {"Cache-Control": _CACHE, "ETag": etag, "X-Content-Type-Options": "nosniff"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if width:
            small = await asyncio.to_thread(_thumbnail, path, int(width))
            return Response(small, media_type="image/webp", headers=headers)
        name = f"freebrush-{sha256[:8]}{path.suffix}" if query.get("download") == "1" else None
        return FileResponse(path, media_type=media_type, filename=name, headers=headers)

    return Route("/pictures/{sha256:str}", picture, methods=["GET"])


def _thumbnail(path: Path, width: int) -> bytes:
    """A small WebP. Opening in draft mode lets a JPEG be decoded at a fraction of its size."""
    with Image.open(path) as image:
        image.draft("RGB", (width, width))
        image.thumbnail((width, width))
        buffer = io.BytesIO()
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "WEBP")
        return buffer.getvalue()
