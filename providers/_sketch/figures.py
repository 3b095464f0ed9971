"""Puts drawings into the scene: the subjects, their shadows, and what is strewn about."""

from __future__ import annotations

from collections.abc import Callable

from providers._sketch.canvas import oval
from providers._sketch.colours import Colour, mix
from providers._sketch.drawings import drawings, outlines_of
from providers._sketch.light import Light


class Figures(Light):
    """Knows how to stand things up."""

    def stand(self, name: str, x: float, y: float, size: float, accent: str = "r") -> None:
        """Draws what has its foot at (x, y) and is `size` pixels high."""
        c, drawing = self.canvas, drawings()[name]
        afloat = drawing.home == "water" and self.world != "underwater"
        shapes = outlines_of(name, x, y, size)
        if afloat:  # What is below the water is not seen; what is above is mirrored.
            shapes = [[(a, min(b, y)) for a, b in shape] for shape in shapes]
            mirrored = [[(a, y + (y - b) * 0.55) for a, b in shape] for shape in shapes]
            c.fill(mirrored, self.lit((30, 40, 70)), None, 0.35, "down")
        elif drawing.home == "ground" and name != "flower":
            c.fill([oval(x, y, size * 0.24, size * 0.025)], self.lit((20, 24, 50)), opacity=0.3)
        if name == "lighthouse" and (self.dim or self.hour == "sunset"):
            lamp = y - 0.8 * size
            for far, fade in ((x - 1.3 * size, "left"), (x + 1.3 * size, "right")):
                beam = [(x, lamp), (far, lamp - 0.22 * size), (far, lamp + 0.06 * size)]
                c.fill([beam], self.light, None, 0.5, fade)
        parts = [(letter, shape) for (letter, _), shape in zip(drawing.parts, shapes, strict=True)]
        lights = [shape for letter, shape in parts if letter == "L"]
        for letter, shape in parts:
            colour = self.tone(letter, name, accent)
            deep = mix(colour, self.lit((24, 26, 56)), 0.6 if self.dim else 0.4)
            c.fill([shape], colour, deep if letter in "RM" else None, keep=self.keep)
        solid = [shape for letter, shape in parts if letter not in "LV"]
        c.fill(solid, self.lit((22, 24, 60)), None, 0.3, "left")
        for shape in lights if self.dim else ():
            a, b = (sum(axis) / len(shape) for axis in zip(*shape, strict=True))
            c.fill([shape], self.light)
            c.glow(a, b, 0.16 * size, self.light, 0.4)

    def stand_all(
        self, line: Callable[[float], float], homes: str = "ground water air held"
    ) -> None:
        """Every subject that belongs to one of `homes`, the first at the best place."""
        for i, name in enumerate(self.subjects):
            home, _, size, _ = drawings()[name]
            if home not in homes or (name == "flower" and i > 0):
                continue
            x, size = self.w * self.slots[i], size * self.u * (1.0 if i == 0 else 0.8)
            size *= self.rng.uniform(0.9, 1.1)
            foot = max(line(x - size * 0.2), line(x + size * 0.2)) + 0.012 * self.u
            if home == "held":  # By the first subject, at the height of its hand.
                x, foot = self.w * self.slots[0] - 0.28 * self.u, foot - 0.08 * self.u
            if home == "air":
                foot = self.h * (0.62 if self.world == "space" else 0.42)
            self.stand(name, x, foot, size)
            for k in range({"bird": 6, "fish": 4, "bamboo": 2}.get(name, 0)):
                a, b = self.u * self.rng.uniform(-0.25, 0.25), self.u * self.rng.uniform(-0.14, 0.1)
                b = 0.0 if name == "bamboo" else b
                self.stand(name, x + a, foot + b, size * (0.9 - 0.1 * k))

    def scatter(self, count: int, size: float, colour: Colour, opacity: float) -> None:
        rng = self.rng
        spots = [(rng.random() * self.w, rng.random() * self.h, rng.uniform(0.5, 1) * size * self.u)
                 for _ in range(count)]  # fmt: skip
        self.canvas.fill([oval(x, y, r, r)[::2] for x, y, r in spots], colour, opacity=opacity)
