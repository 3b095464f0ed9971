"""The whole picture: the sky, a landscape or what has no horizon, and the weather over all."""

from __future__ import annotations

from PIL import Image

from providers._sketch.canvas import oval, rectangle
from providers._sketch.colours import INKS, mix, rgb
from providers._sketch.figures import stand, stand_all
from providers._sketch.land import draw_land
from providers._sketch.scene import Scene
from providers._sketch.sky import draw_sky
from providers._sketch.water import draw_shore
from providers._sketch.weather import draw_weather, mist


def paint(prompt: str, width: int, height: int, seed: int) -> Image.Image:
    s = Scene(prompt, width, height, seed)
    draw_sky(s)
    ground = draw_shore if s.water else draw_land
    {"space": _draw_space, "isometric": _draw_block}.get(s.world, ground)(s)
    draw_weather(s)
    if s.light.ink:  # The seal of the painter, without a name.
        left, upper, n = s.w - 0.09 * s.u, s.h - 0.1 * s.u, 0.01 * s.u
        s.canvas.fill([rectangle(left, upper, left + 5 * n, upper + 5 * n)], s.light.sun, keep=0.8)
        bars = [rectangle(left + k * n, upper + n, left + (k + 0.7) * n, upper + 4 * n)
                for k in (0.9, 2.15, 3.4)]  # fmt: skip
        s.canvas.fill(bars, rgb(INKS["w"]))
    if s.rng.random() < 0.5:
        return s.canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return s.canvas.image


def _draw_space(s: Scene) -> None:
    c, rng, u = s.canvas, s.rng, s.u
    for tint, x in (("#c2478f", 0.25), ("#3f7fd0", 0.8)):
        c.glow(s.w * x, s.h * rng.uniform(0.2, 0.7), 0.6 * max(s.w, s.h), rgb(tint), 0.3)
    if s.has("planet") and len(s.subjects) > 1:  # Seen from near, below the others.
        colour, x = rgb(INKS["v"]), s.w * rng.uniform(0.3, 0.5)
        radius = max(s.w * 0.75, 0.8 * u)
        y = s.h * rng.uniform(0.74, 0.8) + radius
        c.glow(x, y, radius * 1.25, mix(colour, (255, 255, 255), 0.3), 0.9)
        c.fill([oval(x, y, radius, radius)], mix(colour, (255, 230, 240), 0.25), s.light.sky[0])
        s.subjects.remove("planet")
    x, size = s.w * rng.uniform(0.18, 0.3), u * rng.uniform(0.1, 0.2)
    stand(s, "planet", x, s.h * 0.34, size, rng.choice("oyt"))
    stand_all(s, lambda x: s.h * 0.8)


def _draw_block(s: Scene) -> None:
    """A block of the land in the air, or in the fog."""
    u, x, y, rng = s.u, s.w / 2, s.h * 0.56, s.rng
    a, b = 0.44 * u, 0.22 * u
    stand(s, "block", x, y, 2 * a)
    if s.has("fog"):
        mist(s, y + 1.75 * b, 0.9 * b, 0.9)
    back = [(-0.72, -0.1), (-0.36, -0.46), (0.0, -0.8), (0.36, -0.46), (0.72, -0.1)]
    front = [(rng.uniform(-0.6, -0.4), 0.3), (rng.uniform(0.4, 0.6), 0.3), (0.14, 0.72)]
    s.slots = [0.5 + spot * u / s.w for spot in (0, -0.2, 0.2, 0.1, -0.1)]
    for spots, least, most in ((back, 0.15, 0.25), (front, 0.06, 0.1)):
        for i, j in spots:
            if rng.random() < 0.85:
                side = x + (i + rng.uniform(-0.04, 0.04)) * a
                stand(s, s.woods, side, y + j * b, u * rng.uniform(least, most))
        if spots is back:
            stand_all(s, lambda _: y + 0.3 * b)
