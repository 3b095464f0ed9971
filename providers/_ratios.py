"""Shapes of services that take an aspect ratio and no width and height. No I/O here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from providers._sides import MOST_CHANGE
from providers.errors import NotConfigured, Unsupported


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str:
    """The one of `ratios` (such as `16:9`) that is nearest to `width` × `height`.
    Raises Unsupported if the ratio of the sides would change by more than 10 %.
    """
    nearest = min(ratios, key=lambda ratio: _change(width, height, ratio))
    if _change(width, height, nearest) > math.log(MOST_CHANGE):
        raise Unsupported(
            f"{width}×{height} is not to be had there; the nearest shape is {nearest}"
        )
    return nearest


def ratio_notes(width: int, height: int, ratio: str, made: tuple[int, int]) -> Iterator[str]:
    """What became of the size `width` × `height`: `ratio` was sent for it, and `made` came."""
    if _change(width, height, ratio) > 1e-9:
        yield f"rounded {width}×{height} to the shape {ratio}"
    if made != (width, height):
        yield f"made {made[0]}×{made[1]} instead of {width}×{height}"


def _change(width: int, height: int, ratio: str) -> float:
    """How far `width` × `height` is from `ratio`, alike for wider and for taller."""
    found = re.fullmatch(r"([1-9]\d*):([1-9]\d*)", str(ratio))
    if not found:  # YAML reads 16:9 without quotes as a number to the base of 60
        raise NotConfigured(f"{ratio} is no aspect ratio; write it in quotes, as “16:9”")
    return abs(math.log(width * int(found[2]) / (height * int(found[1]))))
