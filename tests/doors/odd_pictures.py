"""Pictures in the colour modes that vendors seldom send."""

from __future__ import annotations

import io

from PIL import Image

from tests.canned import picture


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _half_clear() -> Image.Image:
    image = Image.open(io.BytesIO(picture("png", 300, 200))).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 150, 200))
    return image


def _palette() -> bytes:
    image = Image.new("P", (300, 200), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 150, 200))
    return _saved(image, "png", transparency=0)


ODD = {
    "alpha": _saved(_half_clear(), "webp", lossless=True),
    "palette": _palette(),
    "grey": _saved(_half_clear().convert("LA"), "png"),
    "cmyk": _saved(_half_clear().convert("RGB").convert("CMYK"), "jpeg"),
}
"""All but `cmyk` are clear in their left half."""
