"""What falls and drifts over everything: rain, snow, mist, petals and leaves."""

from __future__ import annotations

import math

from providers._sketch.canvas import oval, rectangle
from providers._sketch.colours import SEASONS, mix, rgb
from providers._sketch.scene import Scene


def draw_weather(s: Scene) -> None:
    if s.has("fog") and not s.world:
        mist(s, s.horizon + 0.05 * s.h, 0.2 * s.h, 0.35)
    if s.has("rain", "storm"):
        _draw_rain(s)
    if s.has("snow"):
        for count, size, opacity in ((90, 0.0035, 0.85), (45, 0.007, 0.9), (14, 0.014, 0.5)):
            radii = [size * s.u * s.rng.uniform(0.5, 1) for _ in range(count)]
            flakes = [oval(s.rng.random() * s.w, s.rng.random() * s.h, r, r)[::2] for r in radii]
            s.canvas.fill(flakes, (255, 253, 250), opacity=opacity)
    for season in ("spring", "autumn"):
        if s.has(season):
            _draw_petals(s, SEASONS[season][2])


def mist(s: Scene, y: float, thick: float, opacity: float) -> None:
    colour = mix(s.light.haze, s.light.sky[1], 0.1)
    for upper, fade in ((y - thick, "up"), (y, "down")):
        band = rectangle(0, upper, s.w, upper + thick)
        s.canvas.fill([band], colour, opacity=opacity, fade=fade)


def _draw_rain(s: Scene) -> None:
    drops = []
    for _ in range(150):
        x, y = s.rng.uniform(0, 1.2) * s.w, s.rng.random() * s.h
        long = s.u * s.rng.uniform(0.03, 0.08)
        lower, foot = y + long, x - 0.25 * long
        drops.append([(x, y), (foot, lower), (foot - 0.002 * s.u, lower)])
    s.canvas.fill(drops, mix(s.light.haze, (255, 255, 255), 0.6), opacity=0.5)


def _draw_petals(s: Scene, colour: str) -> None:
    petals = []
    for _ in range(26):
        x, y, turn = s.rng.random() * s.w, s.rng.random() * s.h, s.rng.uniform(0, 3)
        cos, sin = math.cos(turn), math.sin(turn)
        petal = oval(0, 0, s.u * s.rng.uniform(0.007, 0.015), s.u * s.rng.uniform(0.003, 0.007))
        petals.append([(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in petal[::4]])
    s.canvas.fill(petals, s.light.shown(rgb(colour)), opacity=0.9)
