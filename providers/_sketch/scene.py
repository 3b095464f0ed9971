"""What the words settle before anything is drawn: place, hour, light, where things stand."""

from __future__ import annotations

from random import Random

from providers._sketch.canvas import Canvas
from providers._sketch.colours import GRADES, PLACES, TINTS, grading
from providers._sketch.drawings import drawings
from providers._sketch.light import Light
from providers._sketch.words import read_words

HOURS = ("dawn", "morning", "noon", "sunset", "dusk", "night")
WATERS = ("sea", "lake", "cliff")
WORLDS = ("space", "isometric")

# The hour that fits what is named, where no hour is.
_HINTS = {
    "moon": "night", "star": "night", "aurora": "night", "storm": "dusk", "gloomy": "dusk",
    "snow": "morning", "fog": "dawn", "spring": "dawn", "joyful": "noon",
}  # fmt: skip


class Scene:
    """One poster. All is lit from the left and the subject stands right; seeds may mirror it."""

    def __init__(self, prompt: str, width: int, height: int, seed: int) -> None:
        words = " ".join(prompt.casefold().split())
        pick, self.rng = Random(words), Random(f"{seed} {words}")
        self.traits = read_words(prompt)
        self.w, self.h, self.u = float(width), float(height), float(min(width, height))
        self.subjects = [trait for trait in self.traits if trait in drawings()][:5]
        self.settle_place(pick)
        self.hour = self.settle_hour(pick)
        self.light = Light(self.traits, self.hour, self.place)
        steps = [GRADES[trait] for trait in self.traits if trait in GRADES]
        if not self.traits:  # Nothing is known: the words still choose a hue, though not lime.
            steps = [(pick.uniform(0.45, 1.1), pick.uniform(0.3, 0.6), 1.0, 1.0, 0.0)]
            known = ("boat", "bird") if self.water else ("bird", "tree", "house")
            self.subjects = [pick.choice(known)]
        self.canvas = Canvas(width, height, grading(steps))
        self.keep = 0.55 if self.has(*TINTS) else 0.0
        self.jag = 1.6 if self.has("storm") else 0.5 if self.has("calm", "fog") else 1.0
        self.woods = "blossom" if self.has("spring") else "tree" if self.has("autumn") else "pine"
        self.misty = self.light.ink or self.has("fog")
        self.horizon = self.h * self.rng.uniform(0.53, 0.67)
        self.slots = [x + self.rng.uniform(-0.06, 0.06) for x in (0.64, 0.3, 0.84, 0.47, 0.14)]
        high = {"noon": 0.3, "morning": 0.45, "night": 0.4, "neon": 0.3, "ink": 0.4}
        sun = self.horizon * high.get(self.hour, 0.86) + self.u * self.rng.uniform(-0.07, 0.03)
        self.sun = self.w * self.rng.uniform(0.2, 0.42), sun

    def has(self, *traits: str) -> bool:
        return any(trait in self.traits for trait in traits)

    def settle_place(self, pick: Random) -> None:
        """Where it is: as named, or else where the first subject belongs, or as the words fall."""
        places = [trait for trait in self.traits if trait in (*PLACES, *WATERS, *WORLDS)]
        if not places or places == ["isometric"]:
            brought = [drawings()[subject].place for subject in self.subjects[:1]]
            places += brought or [pick.choice([*filter(None, PLACES), "sea", "lake"])]
        self.place = next((place for place in places if place in PLACES), "")
        self.water = any(place in WATERS for place in places)
        self.cliff = "cliff" in places
        self.world = "isometric" if "isometric" in places else ""
        if "space" in places and not (self.place or self.water):
            self.world = "space"

    def settle_hour(self, pick: Random) -> str:
        """The light: as named, or else as fits what is named, or else as the words fall."""
        styles = [style for style in ("ink", "neon") if self.has(style)]
        named = [trait for trait in self.traits if trait in HOURS]
        hinted = [_HINTS[trait] for trait in _HINTS if self.has(trait)]
        space = ["space"] if self.world == "space" else []
        return [*styles, *space, *named, *hinted, pick.choice(HOURS[:5])][0]
