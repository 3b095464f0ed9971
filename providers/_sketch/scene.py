"""What the words settle before anything is drawn: place, hour, light, where things stand."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from random import Random

from providers._sketch.canvas import Canvas, Outline, rectangle
from providers._sketch.colours import (
    GRADES,
    HOURS,
    LIGHTS,
    PLACES,
    TINTS,
    WATERS,
    WORLDS,
    grading,
    mix,
    rgb,
)
from providers._sketch.drawings import drawings
from providers._sketch.words import read_words


def hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class Scene:
    """One poster. All is lit from the left and the subject stands right; seeds may mirror it."""

    def __init__(self, prompt: str, width: int, height: int, seed: int) -> None:
        words = " ".join(prompt.casefold().split())
        pick, self.rng = Random(hashed(words)), Random(hashed(f"{seed} {words}"))
        self.traits = read_words(prompt)
        self.w, self.h, self.u = float(width), float(height), float(min(width, height))
        self.subjects = [trait for trait in self.traits if trait in drawings()][:5]
        places = [t for t in self.traits if t in (*PLACES, *WATERS, *WORLDS)]
        if not places or places == ["isometric"]:
            brought = [drawings()[subject].place for subject in self.subjects[:1]]
            places += brought or [pick.choice([*PLACES, "sea", "lake"])]
        self.places = places
        self.place = next((place for place in places if place in PLACES), "")
        self.water = any(place in WATERS for place in places)
        self.world = next((p for p in places if p in WORLDS and (p == "isometric" or not
                           (self.place or self.water))), "")  # fmt: skip
        self.hour = self._hour(pick)
        self.dim = self.hour in ("dusk", "night", "neon", "space")
        top, middle, low, self.ambient, self.light = map(rgb, LIGHTS[self.hour].split())
        if self.has("storm", "rain", "fog", "cloud", "snow"):
            veil = mix(low, middle, 0.5 if self.has("storm", "rain") else 0.25)
            top, middle, low = (mix(colour, veil, 0.45) for colour in (top, middle, low))
        self.sky, self.haze = (top, middle, low), low
        steps = [GRADES[trait] for trait in self.traits if trait in GRADES]
        if not self.traits:  # Nothing is known: the words still choose a hue, though not lime.
            steps = [(pick.uniform(0.45, 1.1), pick.uniform(0.3, 0.6), 1.0, 1.0, 0.0)]
            if not self.world:
                afloat, ashore = ("sailboat", "boat", "bird"), ("bird", "balloon", "tree", "house")
                self.subjects = [pick.choice(afloat if self.water else ashore)]
        self.canvas = Canvas(width, height, grading(steps, pick.uniform(-0.02, 0.02)))
        self.keep = 0.55 if self.has(*TINTS) else 0.0
        self.jag = 1.6 if self.has("dramatic", "storm") else 0.5 if self.has("calm", "fog") else 1.0
        self.horizon = self.h * self.rng.uniform(0.53, 0.67)
        self.slots = [x + self.rng.uniform(-0.06, 0.06) for x in (0.64, 0.3, 0.84, 0.47, 0.14)]
        high = {"noon": 0.3, "morning": 0.45, "night": 0.4, "neon": 0.3, "ink": 0.4}
        sun = self.horizon * high.get(self.hour, 0.86) + self.u * self.rng.uniform(-0.07, 0.03)
        self.sun = self.w * self.rng.uniform(0.2, 0.42), sun

    def has(self, *traits: str) -> bool:
        return any(trait in self.traits for trait in traits)

    def _hour(self, pick: Random) -> str:
        """The light: as named, or else as fits what is named, or else as the words fall."""
        named = [trait for trait in self.traits if trait in HOURS]
        for light in ("ink", "neon"):
            if self.has(light):
                return light
        if named or self.world in ("underwater", "space"):
            return self.world if self.world in ("underwater", "space") else named[0]
        if self.has("moon", "star", "aurora"):
            return "night"
        if self.has("sun", "rainbow", "summer"):
            return "noon"
        if self.has("storm", "gloomy"):
            return "dusk"
        if self.has("snow", "winter", "spring", "joyful", "fog"):
            return pick.choice(HOURS[:2])
        return pick.choice(HOURS[:4] if self.traits else HOURS)

    def wave(self, y: float, swing: float, kind: str = "") -> Callable[[float], float]:
        """A line about the height `y`: rolling, or the back of a dune, or table mountains."""
        rng, span = self.rng, max(self.u, self.w * 0.55)
        turns = [(k * rng.uniform(1.8, 3.0) / span, rng.uniform(0, 6.3), 1 / k) for k in (1, 2, 4)]
        (speed, phase, _), rough = turns[0], 0.6 * self.jag

        def rise(x: float) -> float:
            turn = x * speed + phase
            if kind == "dunes":
                return math.sin(1.5 * turn + 0.55 * math.sin(1.5 * turn)) + 0.3 * math.sin(turn)
            first, second, third = (size * math.sin(x * s + p) for s, p, size in turns)
            rolling = first + second + third * rough
            if kind == "mesas":
                return min(max(4 * rolling, 0), 1.6) + min(max(9 * rolling - 7, 0), 1.4)
            return rolling

        return lambda x: y - swing * rise(x)

    def slope(self, line: Callable[[float], float]) -> Outline:
        """The ground below `line`."""
        xs = [self.w * i / 160 for i in range(161)]
        return [*((x, line(x)) for x in xs), (self.w + 1, self.h + 1), (0, self.h + 1)]

    def woods(self) -> str:
        """The tree that grows here now."""
        if self.has("bamboo"):
            return "bamboo"
        if self.has("spring"):
            return "blossom"
        return "tree" if self.has("autumn", "summer") else "pine"

    def mist(self, y: float, thick: float, opacity: float) -> None:
        colour = mix(self.haze, self.sky[1], 0.1)
        for upper, fade in ((y - thick, "up"), (y, "down")):
            self.canvas.fill(
                [rectangle(0, upper, self.w, upper + thick)], colour, None, opacity, fade
            )
