"""Water: what it mirrors, its ripples and waves, and what floats and stands by it."""

from __future__ import annotations

import math

from PIL import Image

from providers._sketch.canvas import Outline, gradient, oval
from providers._sketch.colours import PLACES, mix, rgb
from providers._sketch.drawings import drawings
from providers._sketch.figures import stand, stand_all
from providers._sketch.ridges import draw_ridges
from providers._sketch.scene import Scene


def draw_shore(s: Scene) -> None:
    u, deep, storm = s.u, s.h - s.horizon, s.has("storm")
    draw_ridges(s, PLACES[s.place][1], s.horizon)
    draw_water(s)
    for row in range(2 if storm else 0):
        _draw_swell(s, row)
    stand_all(s, lambda x: s.horizon + deep * (0.5 if storm else 0.42), "water")
    for row in range(2, 4 if storm else 0):
        _draw_swell(s, row)
    if s.cliff or any(drawings()[name].home == "ground" for name in s.subjects):
        top = s.horizon + s.rng.uniform(-0.04, 0.06) * u + (0 if s.cliff else 0.35 * deep)
        spots = (s.rng.uniform(0.16, 0.32), 0.08, 0.4, 0.13, 0.36)
        s.slots = [1 - spot * u / s.w for spot in spots]
        size = u * s.rng.uniform(0.85, 1.2)
        stand(s, "bluff" if s.cliff else "bank", s.w, top, size)
        stand_all(s, lambda x: top - 0.02 * size, "ground")
    stand_all(s, lambda x: s.h, "air")


def draw_water(s: Scene) -> None:
    """A plane from the horizon down, in which what stands above is mirrored."""
    c, light, (width, height) = s.canvas, s.light, s.canvas.image.size
    level = round(s.horizon)
    deep = height - level
    body = light.lit(rgb("#57607c" if s.place == "city" else "#3f86a0"))
    body = light.sky[1] if light.ink else body
    ends = mix(body, light.haze, 0.5), mix(body, light.sky[0], 0.45)
    seen = c.image.crop((0, max(level - deep, 0), width, level))
    small = max(width // 3, 1), max(deep // 12, 1)  # Blurs what is seen downwards.
    seen = seen.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(small, Image.Resampling.BOX)
    seen = seen.resize((width, deep), Image.Resampling.BICUBIC)
    c.image.paste(Image.blend(seen, gradient(width, deep, *map(c.grade, ends)), 0.5), (0, level))
    _draw_ripples(s, deep, body)


def _draw_ripples(s: Scene, deep: float, body: tuple[int, int, int]) -> None:
    rng, u, ink = s.rng, s.u, s.light.ink
    ripples: tuple[list[Outline], list[Outline]] = ([], [])
    for k in range(26 if ink or s.has("calm") else 44):
        t, x = rng.random() ** 1.4, rng.random() * s.w
        if k % 2 and not ink:  # Half of the ripples glitter below the sun.
            x = s.sun[0] + rng.uniform(-1, 1) * u * (0.06 + 0.16 * t)
        half, thick = u * rng.uniform(0.02, 0.07) * (0.4 + t), u * (0.0012 + 0.0045 * t)
        ripples[k % 4 == 2].append(oval(x, s.horizon + deep * (0.02 + 0.95 * t), half, thick)[::2])
    gleam = (255, 255, 255) if ink else mix(s.light.haze, s.light.sun, 0.6)
    s.canvas.fill(ripples[0], gleam, opacity=0.5)
    s.canvas.fill(ripples[1], mix(body, (10, 20, 50), 0.4), opacity=0.3)


def _draw_swell(s: Scene, row: int) -> None:
    """A row of the waves of a storm, with foam on their crests."""
    u, y = s.u, s.horizon + (s.h - s.horizon) * (0.14 + 0.24 * row)
    speed, phase = s.rng.uniform(4.5, 6) / (u * (0.8 + 0.25 * row)), s.rng.uniform(0, 3)
    body, swing = s.light.lit(rgb("#3a7f9f"), 0.3 - 0.1 * row), u * (0.014 + 0.012 * row)
    crest = [(s.w * i / 240, abs(math.sin(s.w * i / 240 * speed + phase))) for i in range(241)]
    for foam, colour in ((0.012 * u, s.light.shown((235, 244, 250))), (0.0, body)):
        top = [(x, y + swing * (2 * v**0.8 - 1) - foam * (1 - v)) for x, v in crest]
        outline = [*top, (s.w, s.h + 1), (0.0, s.h + 1)]
        s.canvas.fill([outline], colour, mix(colour, (8, 20, 45), 0.4))
