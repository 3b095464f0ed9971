"""What lies behind: ridges, peaks and groves, paler the farther they are."""

from __future__ import annotations

import math
from collections.abc import Callable

from providers._sketch.canvas import Outline
from providers._sketch.colours import mix, rgb
from providers._sketch.drawings import outlines_of
from providers._sketch.scene import Scene
from providers._sketch.weather import mist

Line = Callable[[float], float]


def wave(s: Scene, y: float, swing: float, kind: str = "") -> Line:
    """A line about the height `y`: rolling, or the back of a dune."""
    span, rough = max(s.u, s.w * 0.55), 0.6 * s.jag
    waves = [(k * s.rng.uniform(1.8, 3.0) / span, s.rng.uniform(0, 6.3)) for k in (1, 2, 4)]

    def rise(x: float) -> float:
        turn, second, third = (x * speed + phase for speed, phase in waves)
        if kind == "dunes":
            return math.sin(1.5 * turn + 0.55 * math.sin(1.5 * turn)) + 0.3 * math.sin(turn)
        return math.sin(turn) + math.sin(second) / 2 + math.sin(third) * rough / 4

    return lambda x: y - swing * rise(x)


def slope(s: Scene, line: Line) -> Outline:
    """The ground below `line`."""
    xs = [s.w * i / 160 for i in range(161)]
    return [*((x, line(x)) for x in xs), (s.w + 1, s.h + 1), (0, s.h + 1)]


def draw_ridges(s: Scene, kind: str, low: float) -> Line:
    """Ridges from far to near; returns the line of the last, which lies at `low`."""
    u, light = s.u, s.light
    top, line = min(s.horizon - 0.03 * s.h, low - 0.1 * u), wave(s, low, 0)
    if kind == "peaks":
        _draw_peaks(s, top + 0.08 * u, min(s.h * 0.4, u * 0.5))
    count = 2 if kind == "isles" else 4
    for i in range(count):
        near = i / (count - 1)
        away, y = 0.78 - 0.68 * near, top + (low - top) * near**1.2
        if kind == "isles":
            away, y = 0.75 - 0.3 * near, s.horizon + 0.005 * u
        line = wave(s, y, u * (0.055 - 0.035 * near) * min(s.jag, 1.2), kind)
        outlines, colour = [slope(s, line)], light.land(away)
        if kind == "woods" and near < 1:
            colour = light.leaf(s.woods)
            if s.has("autumn"):
                colour = mix(colour, rgb("#c9452f" if i % 2 else "#f2bb4f"), 0.35)
            colour = mix(colour, light.haze, away)
        if near < 1 and kind not in ("isles", "dunes"):
            outlines += _grove(s, line, near, crowded=kind == "woods")
        s.canvas.fill(outlines, colour, mix(colour, light.haze, 0.5 if s.misty else 0.22))
        if s.misty and (near < 1 or not light.ink):
            mist(s, y + 0.1 * u, 0.22 * u, 0.75 if near < 1 else 0.3)
    return line


def _grove(s: Scene, line: Line, near: float, crowded: bool) -> list[Outline]:
    """Trees on a far slope: all along it, or in one cluster."""
    rng, centre = s.rng, s.rng.random()
    kind = "tree" if s.place == "field" and not crowded else s.woods
    size, sunk = s.u * 0.07 * (0.7 + near), 0.04
    xs = [s.w * centre + s.u * rng.uniform(-0.25, 0.25) for _ in range(7)]
    if crowded:
        size, sunk = s.u * (0.16 + 0.24 * near), 0.17
        count = round(3.2 * s.w / size)
        xs = [(k + rng.random()) * s.w / count for k in range(count)]
    trees: list[Outline] = []
    for x in xs:
        tall = size * rng.uniform(0.7, 1.15)
        trees += outlines_of(kind, x, line(x) + sunk * tall, tall)
    return trees


def _draw_peaks(s: Scene, base: float, reach: float) -> None:
    count, light = max(3, round(1.6 * s.w / reach)), s.light
    for i in sorted(range(count), key=lambda i: i % 2):  # Every other one stands in front.
        x = s.w * (i + s.rng.uniform(0.15, 0.85)) / count
        tall = reach * s.rng.uniform(0.72, 1.0) * (0.68 if i % 2 else 1.0)
        shape, snow, shade = outlines_of(s.rng.choice(("peak", "alp")), x, base, tall)
        colour = light.land(0.42 if i % 2 else 0.62)
        s.canvas.fill([shape], colour, mix(colour, light.haze, 0.6))
        if not light.ink and not s.has("autumn"):
            s.canvas.fill([snow], mix(light.shown((250, 250, 252)), light.haze, 0.2))
        dark = mix(colour, light.lit((30, 36, 70)), 0.4)
        s.canvas.fill([shade], dark, mix(dark, light.haze, 0.7), 0.55)
