"""Fills shapes with smooth edges and soft light."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from PIL import Image, ImageChops, ImageDraw

from providers._sketch.colours import Colour, mix

Outline = list[tuple[float, float]]


def curved(points: Outline) -> Outline:
    """A closed Catmull-Rom curve through `points`."""
    curve: Outline = []
    for i in range(len(points)):
        near = [points[(i + n) % len(points)] for n in (-1, 0, 1, 2)]
        for t in (0.0, 0.17, 0.34, 0.5, 0.67, 0.84):
            x, y = (
                b + (c - a) / 2 * t + (a - 2.5 * b + 2 * c - d / 2) * t**2
                + (1.5 * b - a / 2 - 1.5 * c + d / 2) * t**3
                for a, b, c, d in zip(*near, strict=True)
            )  # fmt: skip
            curve.append((x, y))
    return curve


def oval(x: float, y: float, rx: float, ry: float) -> Outline:
    turns = [math.tau * i / 40 for i in range(40)]
    return [(x + rx * math.cos(turn), y + ry * math.sin(turn)) for turn in turns]


def rectangle(left: float, upper: float, right: float, lower: float) -> Outline:
    return [(left, upper), (right, upper), (right, lower), (left, lower)]


def gradient(width: int, height: int, *stops: Colour) -> Image.Image:
    """`stops` from top to bottom."""
    strip = Image.new("RGB", (1, len(stops)))
    strip.putdata(stops)
    # Half a stop of each end is flat in a resized strip; the box leaves it out.
    ends = (0, 0.5, 1, len(stops) - 0.5)
    return strip.resize((1, height), Image.Resampling.BICUBIC, ends).resize((width, height))


class Canvas:
    """An image that shapes are filled on with smooth edges; every colour passes `grade`."""

    EDGE = 4  # Masks are drawn this much larger and then reduced.

    def __init__(self, width: int, height: int, grade: Callable[[Colour], Colour]) -> None:
        self.image = Image.new("RGB", (width, height))
        self.grade = grade

    def fill(
        self, outlines: Collection[Outline], top: Colour, bottom: Colour | None = None,
        opacity: float = 1.0, fade: str = "", keep: float = 0.0,
    ) -> None:  # fmt: skip
        """Fills the union of `outlines`. It can `fade` "up", "left" … and `keep` its colour."""
        xs = [x for outline in outlines for x, _ in outline] or [-1.0]
        ys = [y for outline in outlines for _, y in outline] or [-1.0]
        left, upper = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
        right = min(math.ceil(max(xs)) + 1, self.image.width)
        lower = min(math.ceil(max(ys)) + 1, self.image.height)
        if left >= right or upper >= lower:
            return
        size, n = (right - left, lower - upper), self.EDGE
        mask = Image.new("L", (size[0] * n, size[1] * n))
        pen = ImageDraw.Draw(mask)
        for outline in outlines:
            points = [((x - left) * n, (y - upper) * n) for x, y in outline]
            pen.polygon(points, round(255 * opacity))
        mask = mask.reduce(n)
        if fade:
            turn = {"up": 0, "left": 90, "down": 180, "right": 270}[fade]
            ramp = Image.linear_gradient("L").rotate(turn)
            mask = ImageChops.multiply(mask, ramp.resize(size))
        paint: Colour | Image.Image = mix(self.grade(top), top, keep)
        if bottom is not None:
            paint = gradient(*size, self.grade(top), self.grade(bottom))
        self.image.paste(paint, (left, upper, right, lower), mask)

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float) -> None:
        edge = max(round(radius), 2)
        falloff = [round(max(1 - i / 180, 0) ** 2 * 255 * opacity) for i in range(256)]
        halo = Image.radial_gradient("L").point(falloff).resize((2 * edge, 2 * edge))
        self.image.paste(self.grade(colour), (round(x) - edge, round(y) - edge), halo)
