"""Land and water in front, with what stands and floats there."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import Image

from providers._sketch.canvas import Outline, gradient, oval
from providers._sketch.colours import PLACES, mix, rgb
from providers._sketch.drawings import drawings
from providers._sketch.ground import Ground


class Shore(Ground):
    """Knows how to draw the foreground."""

    def draw_land(self) -> None:
        kind, street = PLACES[self.place][1], self.place == "city"
        low = self.h * (0.8 if street else self.rng.uniform(0.76, 0.82))
        self.horizon = low if street else self.horizon
        line = self.draw_backdrop(kind, low)
        if street:
            self.draw_water(low, wet=self.dim or self.has("rain"))
            line = self.wave(self.h * 0.9, 0)
        self.stand_all(line)
        if not street and self.hour != "ink":
            self.draw_front(line)

    def draw_front(self, line: Callable[[float], float]) -> None:
        """What grows at the lower edge and at the sides."""
        rng, kind = self.rng, PLACES[self.place][2]
        flowery = kind == "flower" or (kind == "tree" and self.has("spring"))
        if flowery or self.has("flower", "joyful"):
            for i in range(16):
                x, y = self.w * (i + rng.random()) / 16, self.h * rng.uniform(0.93, 1.03)
                self.stand("flower", x, y, self.u * rng.uniform(0.09, 0.15), rng.choice("rypw"))
            return
        kind = self.woods() if kind == "pine" else kind
        for side in (0.03, 0.95, *(() if self.subjects else (0.15,))):
            x = self.w * (side + rng.uniform(-0.03, 0.03))
            tall = self.u * drawings()[kind].size * rng.uniform(0.75, 1.1)
            self.stand(kind, x, max(line(x), self.h * 0.8) + 0.04 * self.h, tall)

    def draw_shore(self) -> None:
        u, deep = self.u, self.h - self.horizon
        self.draw_backdrop(PLACES[self.place][1] if self.place else "isles", self.horizon)
        self.draw_water(self.horizon, wet=True)
        for k in range(4 if self.has("storm") else 0):
            if k == 2:
                self.stand_all(lambda x: self.horizon + deep * 0.5, "water")
            self.draw_swell(k)
        if not self.has("storm"):
            self.stand_all(lambda x: self.horizon + deep * 0.42, "water")
        if "beach" in self.places or "island" in self.places:
            line, sand = self.wave(self.h * 0.86, 0.015 * u), self.shown(rgb("#edcd98"))
            self.canvas.fill(
                [self.slope(lambda x: line(x) - 0.012 * u)], (255, 255, 255), None, 0.7
            )
            self.canvas.fill([self.slope(line)], sand, self.lit(rgb("#cfa873")))
            if "palm" not in self.subjects:
                self.stand("palm", self.w * 0.9, self.h * 0.93, 0.5 * u)
            self.stand_all(line, "ground held")
        elif "cliff" in self.places or any(
            drawings()[name].home == "ground" for name in self.subjects
        ):
            bluff = "cliff" in self.places
            top = self.horizon + self.rng.uniform(-0.04, 0.06) * u + (0 if bluff else 0.35 * deep)
            self.slots = [
                1 - s * u / self.w for s in (self.rng.uniform(0.16, 0.32), 0.08, 0.4, 0.13, 0.36)
            ]
            size = u * self.rng.uniform(0.85, 1.2)
            self.stand("bluff" if bluff else "bank", self.w, top, size)
            self.stand_all(lambda x: top - 0.02 * size, "ground held")
        self.stand_all(lambda x: self.h, "air")

    def draw_water(self, y: float, wet: bool) -> None:
        """A plane from `y` down; if `wet`, what stands above is mirrored in it."""
        c, rng, u, (width, height) = self.canvas, self.rng, self.u, self.canvas.image.size
        level, deep = round(y), height - round(y)
        body = self.lit(rgb("#57607c" if self.place == "city" else "#3f86a0"))
        body = self.sky[1] if self.hour == "ink" else body
        ends = mix(body, self.haze, 0.5), mix(body, self.sky[0], 0.45)
        plane = gradient(width, deep, *map(c.grade, ends))
        if wet:
            seen = c.image.crop((0, max(level - deep, 0), width, level))
            small = max(width // 3, 1), max(deep // 12, 1)  # Blurs what is seen downwards.
            seen = seen.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
            seen = seen.resize(small, Image.Resampling.BOX)
            plane = Image.blend(seen.resize((width, deep), Image.Resampling.BICUBIC), plane, 0.5)
        c.image.paste(plane, (0, level))
        ripples: tuple[list[Outline], list[Outline]] = ([], [])
        for k in range(26 if self.has("calm", "ink") else 44):
            t, x = rng.random() ** 1.4, rng.random() * self.w
            if k % 2 and self.hour != "ink":  # Half of the ripples glitter below the sun.
                x = self.sun[0] + rng.uniform(-1, 1) * u * (0.06 + 0.16 * t)
            half, thick = u * rng.uniform(0.02, 0.07) * (0.4 + t), u * (0.0012 + 0.0045 * t)
            ripples[k % 4 == 2].append(oval(x, y + deep * (0.02 + 0.95 * t), half, thick)[::2])
        gleam = (255, 255, 255) if self.hour == "ink" else mix(self.haze, self.light, 0.6)
        c.fill(ripples[0], gleam, opacity=0.5)
        c.fill(ripples[1], mix(body, (10, 20, 50), 0.4), opacity=0.3)

    def draw_swell(self, row: int) -> None:
        """A row of the waves of a storm, with foam on their crests."""
        u, y = self.u, self.horizon + (self.h - self.horizon) * (0.14 + 0.24 * row)
        speed, phase = self.rng.uniform(4.5, 6) / (u * (0.8 + 0.25 * row)), self.rng.uniform(0, 3)
        body = self.lit(rgb("#3a7f9f"), 0.3 - 0.1 * row)
        xs = [self.w * i / 240 for i in range(241)]
        for foam, colour in ((0.012 * u, self.shown((235, 244, 250))), (0.0, body)):
            crest = [(x, abs(math.sin(x * speed + phase))) for x in xs]
            top = [
                (x, y + u * (0.014 + 0.012 * row) * (2 * v**0.8 - 1) - foam * (1 - v))
                for x, v in crest
            ]
            outline = [*top, (self.w, self.h + 1), (0.0, self.h + 1)]
            self.canvas.fill([outline], colour, mix(colour, (8, 20, 45), 0.4))
