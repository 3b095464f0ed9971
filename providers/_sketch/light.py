"""What the hour, the season and the haze make of a colour."""

from __future__ import annotations

from providers._sketch.colours import INKS, PLACES, SEASONS, Colour, mix, rgb
from providers._sketch.scene import Scene


class Light(Scene):
    """Knows how things look in this light."""

    def lit(self, colour: Colour, away: float = 0.0) -> Colour:
        """`colour` in the light of the hour, and behind that much haze."""
        r, g, b = (part * shade // 255 for part, shade in zip(colour, self.ambient, strict=True))
        return mix((r, g, b), self.haze, away)

    def shown(self, colour: Colour) -> Colour:
        """`colour` where the hour may tint it but it must stay what it is."""
        return mix(self.lit(colour), colour, 0.1 if self.hour == "ink" else 0.4)

    def land(self, away: float) -> Colour:
        colour = rgb(PLACES[self.place][0] if self.place else "#7c9a7c")
        for season in filter(self.has, SEASONS):
            colour = mix(colour, rgb(SEASONS[season][0]), SEASONS[season][1])
        if self.has("snow", "winter"):
            lit = self.shown(colour)
        else:
            lit = self.lit(mix(colour, (20, 30, 60), (0.28 if self.dim else 0.12) * (1 - away)))
        return mix(lit, self.haze, min(away * 1.1, 0.9))

    def leaf(self, kind: str) -> Colour:
        """What the leaves of a tree look like in this season."""
        season = next(filter(self.has, SEASONS), "")
        green = rgb(SEASONS[season][2]) if season else rgb("#5b9a62")
        if kind == "pine":
            green = mix(rgb("#2c5f54"), green, 0.5 if self.has("winter", "snow") else 0.0)
        return self.shown(rgb("#f3b4c6") if kind == "blossom" else green)

    def tone(self, letter: str, name: str, accent: str) -> Colour:
        """The colour that a letter stands for in a drawing."""
        if name == "seal":
            return rgb(INKS[letter])
        if letter in "FP":
            return self.leaf(name)
        if letter in "RNM":
            rock = self.lit(rgb("#74697c" if name == "bluff" else "#5a7a62"), 0.05)
            return {"R": rock, "N": mix(rock, self.light, 0.2)}.get(letter, self.lit(rock, 0.04))
        dark_sky = sum(self.sky[1]) < 330
        special = {
            "L": self.light if self.hour != "ink" else rgb("#f7d9a0"),
            "V": mix(self.light, self.sky[1], 0.25),
            "G": self.land(0.05),
            "Z": self.shown(rgb("#f4efe6" if dark_sky else "#39415c")),
        }
        return special.get(letter) or self.shown(rgb(INKS[accent if letter == "A" else letter]))
