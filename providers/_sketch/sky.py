"""The sky: its gradient, sun and moon, stars, aurora, clouds and birds."""

from __future__ import annotations

import math

from PIL import Image

from providers._sketch.canvas import gradient, oval
from providers._sketch.colours import mix, rgb
from providers._sketch.figures import stand
from providers._sketch.scene import Scene


def draw_sky(s: Scene) -> None:
    low = round(s.h if s.world else s.horizon + 0.04 * s.h)
    graded = [s.canvas.grade(colour) for colour in s.light.sky]
    s.canvas.image.paste(graded[2], (0, 0, *s.canvas.image.size))
    s.canvas.image.paste(gradient(s.canvas.image.width, low, *graded), (0, 0))
    if s.has("star") or s.hour in ("night", "space"):
        stars = []
        for _ in range(110):
            r = s.u * (0.0012 + 0.003 * s.rng.random() ** 4)
            stars.append(oval(s.rng.random() * s.w, s.rng.random() ** 1.3 * low, r, r)[::5])
        s.canvas.fill(stars, (255, 248, 226), opacity=0.85)
    if s.has("aurora"):
        _draw_aurora(s)
    heavy = s.has("storm", "rain")
    if s.has("moon") or not (s.world == "space" or heavy):
        _draw_sun(s)
    if s.hour not in ("space", "ink"):
        _draw_clouds(s, 6 if heavy else s.rng.randint(0, 3))
    if not heavy and s.hour not in ("night", "space", "neon"):
        _draw_birds(s)
    if s.has("storm"):
        x, y = s.w * s.rng.uniform(0.2, 0.4), s.horizon * 0.75
        s.canvas.glow(x, y - 0.15 * s.u, 0.32 * s.u, s.light.sun, 0.6)
        stand(s, "bolt", x, y, 0.3 * s.u)


def _draw_sun(s: Scene) -> None:
    (x, y), ink = s.sun, s.light.ink
    moon = s.hour in ("night", "neon", "space") or (s.has("moon") and not ink)
    radius = s.u * {"sunset": 0.12, "dusk": 0.085, "dawn": 0.09}.get(s.hour, 0.07)
    colour = rgb("#fbf3da") if moon else s.light.sun
    s.canvas.glow(x, y, radius * (4.5 if moon else 6), colour, 0.4 if moon else 0.55)
    for ring in () if ink else (2.1, 1.5):
        s.canvas.fill([oval(x, y, radius * ring, radius * ring)], colour, opacity=0.13)
    s.canvas.fill([oval(x, y, radius, radius)], colour, keep=0.7 if ink else 0.0)
    if moon:
        stand(s, "craters", x, y + radius, 2 * radius)


def _draw_aurora(s: Scene) -> None:
    for k, colour in enumerate(("#4fe3a4", "#38c8b8", "#9a6cf0")):
        phase, speed = s.rng.uniform(0, 6), s.rng.uniform(0.05, 0.09)
        veil = Image.new("L", (96, 96))
        for x in range(96):
            foot = round(76 - 11 * k + 9 * math.sin(x * speed + phase) + 3 * math.sin(x * 0.21))
            glow = 0.62 + 0.38 * math.sin(x * 0.33 + phase * 2 + math.sin(x * 0.12) * 3)
            for up in range(min(46, foot + 1)):
                share = (1 - up / 46) ** 1.6 * min(1.0, up / 5)
                veil.putpixel((x, foot - up), round(215 * glow * share))
        veil = veil.resize((s.canvas.image.width, round(s.horizon)), Image.Resampling.BICUBIC)
        s.canvas.image.paste(s.canvas.grade(rgb(colour)), (0, 0), veil)


def _draw_clouds(s: Scene, count: int) -> None:
    rng, u, light = s.rng, s.u, s.light
    colour = mix(light.sky[2], (255, 255, 255), 0.0 if light.dim else 0.55)
    if s.has("storm", "rain"):
        colour = mix(light.sky[0], (40, 46, 70), 0.35)
    for i in range(count):
        x, size = rng.uniform(-0.05, 1.05) * s.w, u * rng.uniform(0.1, 0.17)
        y = s.horizon * (0.16 + (i + rng.random()) * 0.46 / count)
        if abs(x - s.sun[0]) < 0.3 * u and abs(y - s.sun[1]) < 0.24 * u:
            x += math.copysign(0.42 * u, x - s.sun[0])  # A cloud must not cut the sun.
        bars = []
        for k in range(4):  # Bars with round ends: ovals whose halves are moved apart.
            centre, thick = x + size * rng.uniform(-0.3, 0.3), 0.115 * size
            half = size * (1.3 - 0.3 * k) * rng.uniform(0.8, 1.1)
            ends = oval(centre, y - 1.5 * k * thick, thick, thick)
            bars.append([(a + math.copysign(half, a - centre), b) for a, b in ends])
        s.canvas.fill(bars, colour, mix(colour, light.sky[1], 0.5), 0.6 + 0.2 * (i % 2))


def _draw_birds(s: Scene) -> None:
    """A few far ones, near the sun."""
    rng, u = s.rng, s.u
    x, y = s.sun[0] + u * rng.uniform(-0.2, 0.3), s.sun[1] - u * rng.uniform(0.1, 0.3)
    for k in range(rng.choice((0, 0, 3, 4))):
        a, b = u * rng.uniform(-0.14, 0.14), u * rng.uniform(-0.05, 0.05)
        stand(s, "bird", x + a, max(y, 0.12 * u) + b, u * (0.045 - 0.006 * k))
