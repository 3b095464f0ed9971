"""Puts drawings into the scene: with their shadows, their lamps and what the water mirrors."""

from __future__ import annotations

from collections.abc import Callable

from providers._sketch.canvas import oval
from providers._sketch.colours import mix
from providers._sketch.drawings import drawings, outlines_of
from providers._sketch.scene import Scene


def stand(s: Scene, name: str, x: float, y: float, size: float, accent: str = "r") -> None:
    """Draws what has its foot at (x, y) and is `size` pixels high."""
    c, light, (home, _, _, parts) = s.canvas, s.light, drawings()[name]
    shapes = outlines_of(name, x, y, size)
    if home == "water":  # What is below the water is not seen; what is above is mirrored.
        shapes = [[(a, min(b, y)) for a, b in shape] for shape in shapes]
        mirrored = [[(a, y + (y - b) * 0.55) for a, b in shape] for shape in shapes]
        c.fill(mirrored, light.lit((30, 40, 70)), opacity=0.35, fade="down")
    elif home == "ground":
        c.fill([oval(x, y, size * 0.24, size * 0.025)], light.lit((20, 24, 50)), opacity=0.3)
    if name == "lighthouse" and (light.dim or s.hour == "sunset"):
        lamp = y - 0.8 * size
        for far, fade in ((x - 1.3 * size, "left"), (x + 1.3 * size, "right")):
            beam = [(x, lamp), (far, lamp - 0.22 * size), (far, lamp + 0.06 * size)]
            c.fill([beam], light.sun, opacity=0.5, fade=fade)
    letters = [accent if letter == "A" else letter for letter, _ in parts]
    painted = list(zip(letters, shapes, strict=True))
    for letter, shape in painted:
        colour = light.tone(letter, name)
        deep = mix(colour, light.lit((24, 26, 56)), 0.6 if light.dim else 0.4)
        c.fill([shape], colour, deep if letter in "RM" else None, keep=s.keep)
    solid = [shape for letter, shape in painted if letter not in "LV"]
    c.fill(solid, light.lit((22, 24, 60)), opacity=0.3, fade="left")
    for shape in [shape for letter, shape in painted if letter == "L" and light.dim]:
        middle, centre = (sum(axis) / len(shape) for axis in zip(*shape, strict=True))
        c.fill([shape], light.sun)
        c.glow(middle, centre, 0.16 * size, light.sun, 0.4)


def stand_all(s: Scene, line: Callable[[float], float], homes: str = "ground water air") -> None:
    """Every subject that belongs to one of `homes`, the first at the best place."""
    for i, name in enumerate(s.subjects):
        home, _, size, _ = drawings()[name]
        if home not in homes or (name == "flower" and i > 0):
            continue
        x, size = s.w * s.slots[i], size * s.u * s.rng.uniform(0.9, 1.1) * (0.8 if i else 1.0)
        foot = max(line(x - size * 0.2), line(x + size * 0.2)) + 0.012 * s.u
        if home == "air":
            foot = s.h * (0.62 if s.world == "space" else 0.42)
        stand(s, name, x, foot, size)
        for k in range(6 if name == "bird" else 0):
            a, b = s.u * s.rng.uniform(-0.25, 0.25), s.u * s.rng.uniform(-0.14, 0.1)
            stand(s, name, x + a, foot + b, size * (0.9 - 0.1 * k))
