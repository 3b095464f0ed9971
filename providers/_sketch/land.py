"""Dry land in front: what stands there, and what grows at the edges."""

from __future__ import annotations

from providers._sketch.city import draw_city
from providers._sketch.colours import PLACES
from providers._sketch.drawings import drawings
from providers._sketch.figures import stand, stand_all
from providers._sketch.ridges import Line, draw_ridges
from providers._sketch.scene import Scene
from providers._sketch.water import draw_water


def draw_land(s: Scene) -> None:
    if s.place == "city":
        s.horizon = 0.8 * s.h
        draw_city(s, s.horizon)
        draw_water(s)  # The street, wet as it shines.
        stand_all(s, lambda x: s.h * 0.9)
        return
    line = draw_ridges(s, PLACES[s.place][1], s.h * s.rng.uniform(0.76, 0.82))
    stand_all(s, line)
    if not s.light.ink:
        _draw_front(s, line)


def _draw_front(s: Scene, line: Line) -> None:
    rng, kind = s.rng, PLACES[s.place][2]
    if kind == "flower" or s.has("flower", "joyful") or (kind == "tree" and s.has("spring")):
        for i in range(16):
            x, y = s.w * (i + rng.random()) / 16, s.h * rng.uniform(0.93, 1.03)
            stand(s, "flower", x, y, s.u * rng.uniform(0.09, 0.15), rng.choice("rypw"))
        return
    kind = s.woods if kind == "pine" else kind
    for side in (0.03, 0.95, *(() if s.subjects else (0.15,))):
        x = s.w * (side + rng.uniform(-0.03, 0.03))
        tall = s.u * drawings()[kind].size * rng.uniform(0.75, 1.1)
        stand(s, kind, x, max(line(x), s.h * 0.8) + 0.04 * s.h, tall)
