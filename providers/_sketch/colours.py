"""The colours of an hour, a place, a season and an ink, and what moods do to them."""

from __future__ import annotations

import colorsys
import functools
from collections.abc import Callable, Collection

from PIL import ImageColor

Colour = tuple[int, int, int]

# Light: the sky from top to horizon, what daylight does to a colour, and the sun or moon.
LIGHTS = {
    "dawn": "#6c7db6 #d9a8c0 #ffdcb6 #d3bccd #fff1d2",
    "morning": "#6cb0d4 #b6dee4 #fff1d4 #eef0e6 #fffbe8",
    "noon": "#2b88cf #74bfea #d9f2f3 #ffffff #fffdf0",
    "sunset": "#51397d #e0607a #ffc06a #d98f8a #ffe6a8",
    "dusk": "#1d2a5c #5f4a8c #ec8f7e #7a6da3 #ffd08c",
    "night": "#0b1433 #1b2f60 #3f6090 #4a5b92 #fff2cc",
    "ink": "#efe8da #f5f0e6 #f1eadc #8d8b86 #c8412f",
    "neon": "#0c0a2a #35195c #c43a86 #5f4fa6 #5ff0f5",
    "space": "#0b0a24 #20174a #472c6c #9c90d0 #ffdca8",
}

# Place: the colour of its land, what stands at the back, what grows in front.
PLACES = {
    "mountain": ("#56747c", "peaks", "pine"),
    "forest": ("#3f7560", "woods", "pine"),
    "desert": ("#e3a662", "dunes", "cactus"),
    "city": ("#5c6688", "skyline", ""),
    "field": ("#86b05e", "hills", "tree"),
    "garden": ("#7cb063", "hills", "flower"),
    "": ("#7c9a7c", "isles", ""),
}

# Season: the colour of its ground and how far it covers the land, and of its leaves.
SEASONS = {
    "spring": ("#9cc46c", 0.5, "#f3b4c6"),
    "autumn": ("#c98744", 0.6, "#db7a32"),
    "snow": ("#eef3f8", 0.85, "#c9dadf"),
}

TINTS = ("red", "gold", "green", "blue", "purple", "pink")

# Grading: hue to pull towards, how strongly, then saturation ×, contrast × and lift.
GRADES: dict[str, tuple[float, float, float, float, float]] = {
    "red": (0.99, 0.8, 1.0, 1.0, 0.0),
    "gold": (0.115, 0.75, 1.0, 1.0, 0.02),
    "green": (0.39, 0.75, 0.9, 1.0, 0.0),
    "blue": (0.6, 0.8, 1.0, 1.0, 0.0),
    "purple": (0.76, 0.75, 0.95, 1.0, 0.0),
    "pink": (0.93, 0.75, 1.0, 0.9, 0.05),
    "ink": (0.1, 0.0, 0.35, 1.0, 0.0),
    "neon": (0.8, 0.15, 1.25, 1.1, 0.0),
    "warm": (0.07, 0.18, 1.1, 1.0, 0.0),
    "calm": (0.0, 0.0, 0.92, 0.92, 0.015),
    "gloomy": (0.62, 0.3, 0.5, 0.95, -0.08),
    "joyful": (0.0, 0.0, 1.25, 1.03, 0.04),
    "storm": (0.6, 0.35, 0.6, 1.0, -0.07),
    "rain": (0.6, 0.2, 0.8, 0.95, -0.02),
}

# The inks of the drawings; their capitals are colours that the light decides.
INKS = {
    "w": "#f6f0e4", "r": "#c9452f", "o": "#ea8540", "d": "#c8622c", "y": "#f2bb4f",
    "b": "#7a543c", "k": "#2c2c3e", "s": "#66788e", "t": "#4aa3a8", "p": "#ee9fb5",
    "c": "#d9a972", "v": "#9a78c8", "e": "#92705d", "m": "#5d4850", "g": "#4d8a5c",
}  # fmt: skip


def rgb(text: str) -> Colour:
    return ImageColor.getrgb(text)[:3]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    a, b, c = (round(x + (y - x) * share) for x, y in zip(one, other, strict=True))
    return a, b, c


def grading(steps: Collection[tuple[float, ...]]) -> Callable[[Colour], Colour]:
    """What colour words and moods do to every colour of the picture."""

    @functools.cache
    def grade(colour: Colour) -> Colour:
        for target, pull, richness, contrast, lift in steps:
            hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
            light = 0.5 + (light - 0.5) * contrast + lift
            pure = _from_hls(target, light, max(saturation, 0.5) * richness)
            colour = mix(_from_hls(hue, light, saturation * richness), pure, pull)
        return colour

    return grade


def _from_hls(hue: float, light: float, saturation: float) -> Colour:
    light, saturation = min(max(light, 0.0), 1.0), min(saturation, 1.0)
    red, green, blue = colorsys.hls_to_rgb(hue, light, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)
