"""The sky: its gradient, sun and moon, stars, aurora, clouds and beams."""

from __future__ import annotations

import math

from PIL import Image

from providers._sketch.canvas import bar, gradient, oval
from providers._sketch.colours import INKS, mix, rgb
from providers._sketch.figures import Figures


class Sky(Figures):
    """Knows how to draw what is above."""

    def draw_sky(self) -> None:
        c, u, rng = self.canvas, self.u, self.rng
        low = round(self.h if self.world else self.horizon + 0.04 * self.h)
        graded = [c.grade(colour) for colour in self.sky]
        c.image.paste(graded[2], (0, 0, *c.image.size))
        c.image.paste(gradient(c.image.width, low, *graded), (0, 0))
        if self.world == "underwater":
            return
        if self.has("star") or self.hour in ("night", "space"):
            stars = []
            for _ in range(110):
                r = u * (0.0012 + 0.003 * rng.random() ** 4)
                stars.append(oval(rng.random() * self.w, rng.random() ** 1.3 * low, r, r)[::5])
            c.fill(stars, (255, 248, 226), opacity=0.85)
        if self.has("aurora"):
            self.draw_aurora()
        if self.has("sun", "moon") or not (self.world == "space" or self.has("storm", "rain")):
            self.draw_sun()
        if self.has("rainbow"):
            x, y = self.w * 0.6, self.horizon + 0.1 * u
            for i, band in enumerate("roygtv"):
                outer, inner = (
                    oval(x, y, k, k) for k in (u * (0.62 - 0.03 * i), u * (0.59 - 0.03 * i))
                )
                ring = [*outer, outer[0], inner[0], *inner[::-1]]
                c.fill([ring], rgb(INKS[band]), opacity=0.5)
        heavy = self.has("cloud", "storm", "rain")
        if self.hour not in ("space", "ink") and (heavy or rng.random() < 0.75):
            self.draw_clouds(6 if heavy else rng.randint(1, 3))
        if not heavy and not self.has("bird") and self.hour not in ("night", "space", "neon"):
            x, y = self.sun[0] + u * rng.uniform(-0.2, 0.3), self.sun[1] - u * rng.uniform(0.1, 0.3)
            for k in range(rng.choice((0, 0, 3, 4))):
                a, b = rng.uniform(-0.14, 0.14), rng.uniform(-0.05, 0.05)
                self.stand("bird", x + a * u, max(y, 0.12 * u) + b * u, u * (0.045 - 0.006 * k))
        if self.has("sunbeam"):
            self.draw_beams(*self.sun)
        if self.has("storm"):
            x, y = self.w * rng.uniform(0.2, 0.4), self.horizon * 0.75
            c.glow(x, y - 0.15 * u, 0.32 * u, self.light, 0.6)
            self.stand("bolt", x, y, 0.3 * u)

    def draw_sun(self) -> None:
        (x, y), c = self.sun, self.canvas
        moon = self.hour in ("night", "neon", "space") or (self.has("moon") and self.hour != "ink")
        radius = self.u * {"sunset": 0.12, "dusk": 0.085, "dawn": 0.09}.get(self.hour, 0.07)
        radius *= 1.4 if self.has("sun", "moon") else 1.0
        colour = rgb("#fbf3da") if moon else self.light
        c.glow(x, y, radius * (4.5 if moon else 6), colour, 0.4 if moon else 0.55)
        for ring in () if self.hour == "ink" else (2.1, 1.5):
            c.fill([oval(x, y, radius * ring, radius * ring)], colour, opacity=0.13)
        c.fill([oval(x, y, radius, radius)], colour, keep=0.7 if self.hour == "ink" else 0.0)
        if moon:
            self.stand("craters", x, y + radius, 2 * radius)

    def draw_aurora(self) -> None:
        waves = [(k, self.rng.uniform(0, 6), self.rng.uniform(0.05, 0.09)) for k in range(3)]
        for (k, phase, speed), colour in zip(waves, ("#4fe3a4", "#38c8b8", "#9a6cf0"), strict=True):
            veil = Image.new("L", (96, 96))
            for x in range(96):
                foot = round(76 - 11 * k + 9 * math.sin(x * speed + phase) + 3 * math.sin(x * 0.21))
                glow = 0.62 + 0.38 * math.sin(x * 0.33 + phase * 2 + math.sin(x * 0.12) * 3)
                for up in range(min(46, foot + 1)):
                    share = (1 - up / 46) ** 1.6 * min(1.0, up / 5)
                    veil.putpixel((x, foot - up), round(215 * glow * share))
            size = self.canvas.image.width, round(self.horizon)
            self.canvas.image.paste(
                self.canvas.grade(rgb(colour)), (0, 0), veil.resize(size, Image.Resampling.BICUBIC)
            )

    def draw_clouds(self, count: int) -> None:
        rng, u = self.rng, self.u
        colour = mix(self.sky[2], (255, 255, 255), 0.0 if self.dim else 0.55)
        if self.has("storm", "rain"):
            colour = mix(self.sky[0], (40, 46, 70), 0.35)
        for i in range(count):
            x, size = rng.uniform(-0.05, 1.05) * self.w, u * rng.uniform(0.1, 0.17)
            y = self.horizon * (0.16 + (i + rng.random()) * 0.46 / count)
            if abs(x - self.sun[0]) < 0.3 * u and abs(y - self.sun[1]) < 0.24 * u:
                x += math.copysign(0.42 * u, x - self.sun[0])  # A cloud must not cut the sun.
            bars = [
                bar(x + size * rng.uniform(-0.3, 0.3), y - k * 0.17 * size,
                     size * (1.3 - 0.3 * k) * rng.uniform(0.8, 1.1), 0.115 * size)
                for k in range(4)
            ]  # fmt: skip
            self.canvas.fill(bars, colour, mix(colour, self.sky[1], 0.5), 0.6 + 0.2 * (i % 2))

    def draw_beams(self, x: float, y: float) -> None:
        reach = self.w + self.h
        for i in range(8):
            turn = 0.25 + 0.16 * i + self.rng.uniform(0, 0.06)
            ends = [(x + reach * math.cos(t), y + reach * math.sin(t)) for t in (turn, turn + 0.09)]
            self.canvas.fill([[(x, y), *ends]], self.light, opacity=0.16)
