"""What the hour, the season and the haze make of a colour."""

from __future__ import annotations

from collections.abc import Collection

from providers._sketch.colours import INKS, LIGHTS, PLACES, SEASONS, Colour, mix, rgb

_LEAVES = {"tree": "#5b9a62", "pine": "#2c5f54", "blossom": "#f3b4c6"}


class Light:
    """The colours of the sky, and how things look below it."""

    def __init__(self, traits: Collection[str], hour: str, place: str) -> None:
        top, middle, low, self.ambient, self.sun = map(rgb, LIGHTS[hour].split())
        self.stormy = "storm" in traits
        if not {"storm", "rain", "fog", "snow"}.isdisjoint(traits):
            veil = mix(low, middle, 0.5 if self.stormy or "rain" in traits else 0.25)
            top, middle, low = (mix(colour, veil, 0.45) for colour in (top, middle, low))
        self.sky, self.haze = (top, middle, low), low
        self.dim = hour in ("dusk", "night", "neon", "space")
        self.ink = hour == "ink"
        self.ground, self.snowy = rgb(PLACES[place][0]), "snow" in traits
        self.seasons = [SEASONS[trait] for trait in traits if trait in SEASONS]

    def lit(self, colour: Colour, away: float = 0.0) -> Colour:
        """`colour` in the light of the hour, and behind that much haze."""
        r, g, b = (part * shade // 255 for part, shade in zip(colour, self.ambient, strict=True))
        return mix((r, g, b), self.haze, away)

    def shown(self, colour: Colour) -> Colour:
        """`colour` where the hour may tint it but it must stay what it is."""
        return mix(self.lit(colour), colour, 0.1 if self.ink else 0.8 if self.stormy else 0.4)

    def land(self, away: float) -> Colour:
        colour = self.ground
        for ground, cover, _ in self.seasons:
            colour = mix(colour, rgb(ground), cover)
        if self.snowy:
            return mix(self.shown(colour), self.haze, min(away * 1.1, 0.9))
        shade = (0.28 if self.dim else 0.12) * (1 - away)
        return self.lit(mix(colour, (20, 30, 60), shade), min(away * 1.1, 0.9))

    def leaf(self, kind: str) -> Colour:
        """What the leaves of a tree look like in this season."""
        share = {"tree": 1.0, "pine": 0.5 * self.snowy}.get(kind, 0.0)
        leaf = rgb(_LEAVES[kind])
        return self.shown(mix(leaf, rgb(self.seasons[0][2]), share) if self.seasons else leaf)

    def tone(self, letter: str, name: str) -> Colour:
        """The colour that a letter stands for in a drawing."""
        rock = self.lit(rgb("#74697c"), 0.05)
        special = {
            "L": rgb("#f7d9a0") if self.ink else self.sun,
            "V": mix(self.sun, self.sky[1], 0.25),
            "G": self.land(0.05),
            "R": rock,
            "M": self.lit(rock, 0.04),
            "N": mix(rock, self.sun, 0.2),
            "Z": self.shown(rgb("#f4efe6" if sum(self.sky[1]) < 330 else "#39415c")),
        }
        if letter == "F":
            return self.leaf(name)
        return special.get(letter) or self.shown(rgb(INKS[letter]))
