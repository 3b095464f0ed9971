"""Paints the whole picture: the sky, a world or a landscape, and the weather over all."""

from __future__ import annotations

import math

from PIL import Image

from providers._sketch.canvas import curved, oval
from providers._sketch.colours import INKS, SEASONS, mix, rgb
from providers._sketch.shore import Shore


class Painter(Shore):
    """Knows all of it, and in which order."""

    def paint(self) -> Image.Image:
        self.draw_sky()
        if self.world:
            worlds = {"space": self.draw_space, "underwater": self.draw_seabed}
            worlds.get(self.world, self.draw_block)()
        elif self.water:
            self.draw_shore()
        else:
            self.draw_land()
        self.draw_weather()
        if self.rng.random() < 0.5:
            self.canvas.image = self.canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return self.canvas.image

    def draw_space(self) -> None:
        c, rng, u = self.canvas, self.rng, self.u
        for tint, x in (("#c2478f", 0.25), ("#3f7fd0", 0.8)):
            spread = 0.6 * max(self.w, self.h)
            c.glow(self.w * x, self.h * rng.uniform(0.2, 0.7), spread, rgb(tint), 0.3)
        if self.has("planet") and len(self.subjects) > 1:  # Seen from near, below the others.
            colour, x = rgb(INKS["v"]), self.w * rng.uniform(0.3, 0.5)
            radius = max(self.w * 0.75, 0.8 * u)
            y = self.h * rng.uniform(0.74, 0.8) + radius
            c.glow(x, y, radius * 1.25, mix(colour, (255, 255, 255), 0.3), 0.9)
            c.fill([oval(x, y, radius, radius)], mix(colour, (255, 230, 240), 0.25), self.sky[0])
            self.subjects.remove("planet")
        x, size = self.w * rng.uniform(0.18, 0.3), u * rng.uniform(0.1, 0.2)
        self.stand("planet", x, self.h * 0.34, size, rng.choice("oyt"))
        self.stand_all(lambda x: self.h * 0.8)

    def draw_seabed(self) -> None:
        u, rng = self.u, self.rng
        self.draw_beams(self.w * 0.3, -0.2 * self.h)
        for away in (0.5, 0.25, 0.0):
            line = self.wave(self.h * (0.92 - 0.22 * away), 0.04 * u)
            colour, weeds = mix(self.lit(rgb("#2a6f86")), self.sky[1], away), []
            for _ in range(9):
                x, tall = rng.random() * self.w, u * rng.uniform(0.1, 0.26)
                sway = [
                    (x + 0.02 * u * math.sin(k * 1.3), line(x) - tall * k / 6) for k in range(7)
                ]
                back = [(a + 0.022 * u * (1 - k / 7), b) for k, (a, b) in enumerate(sway)]
                weeds.append(curved([*sway, *back[::-1]]))
            self.canvas.fill([self.slope(line), *weeds], colour, mix(colour, self.sky[2], 0.5))
        self.scatter(24, 0.014, (235, 255, 252), 0.35)
        self.stand_all(lambda x: self.h * (0.52 + 0.1 * math.sin(x)))

    def draw_block(self) -> None:
        """A block of the land, seen from above, in the air or in the fog."""
        u, x, y, rng = self.u, self.w / 2, self.h * 0.56, self.rng
        a, b, kind = 0.44 * u, 0.22 * u, "pine" if self.has("fog") else self.woods()
        self.stand("block", x, y, 2 * a)
        if self.has("fog"):
            self.mist(y + 1.75 * b, 0.9 * b, 0.9)
        back = [(-0.72, -0.1), (-0.36, -0.46), (0.0, -0.8), (0.36, -0.46), (0.72, -0.1)]
        front = [(rng.uniform(-0.6, -0.4), 0.3), (rng.uniform(0.4, 0.6), 0.3), (0.14, 0.72)]
        for i, j in [*back, *front]:
            if (i, j) == front[0]:
                self.slots = [0.5, *(0.5 + s * u / self.w for s in (-0.2, 0.2, 0.1, -0.1))]
                self.stand_all(lambda _: y + 0.3 * b)
            if rng.random() < 0.85:
                size = u * (rng.uniform(0.15, 0.25) if j < 0 else rng.uniform(0.06, 0.1))
                self.stand(kind, x + (i + rng.uniform(-0.04, 0.04)) * a, y + j * b, size)

    def draw_weather(self) -> None:
        rng, u, c = self.rng, self.u, self.canvas
        if self.has("fog") and not self.world:
            self.mist(self.horizon + 0.05 * self.h, 0.2 * self.h, 0.35)
        if self.has("rain", "storm"):
            drops = []
            for _ in range(150):
                x, y, long = rng.uniform(0, 1.2) * self.w, rng.random() * self.h, rng.uniform(3, 8)
                lower, foot = y + 0.01 * u * long, x - 0.0025 * u * long
                drops.append([(x, y), (foot, lower), (foot - 0.002 * u, lower)])
            c.fill(drops, mix(self.haze, (255, 255, 255), 0.6), opacity=0.5)
        if self.has("snow"):
            for count, size, opacity in ((90, 0.0035, 0.85), (45, 0.007, 0.9), (14, 0.014, 0.5)):
                self.scatter(count, size, (255, 253, 250), opacity)
        if self.has("spring", "autumn", "wind"):
            colour = self.shown(rgb(SEASONS["spring" if self.has("spring") else "autumn"][2]))
            petals = []
            for _ in range(26):
                x, y, turn = rng.random() * self.w, rng.random() * self.h, rng.uniform(0, 3)
                cos, sin = math.cos(turn), math.sin(turn)
                petal = oval(0, 0, u * rng.uniform(0.007, 0.015), u * rng.uniform(0.003, 0.007))
                petals.append(
                    [(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in petal[::4]]
                )
            c.fill(petals, colour, opacity=0.9)
        if self.hour == "ink":  # The seal of the painter, without a name.
            self.keep = 0.8
            self.stand("seal", self.w - 0.07 * u, self.h - 0.05 * u, 0.05 * u)
