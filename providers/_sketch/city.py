"""A city: rows of houses up to the sky, with windows and at night with signs."""

from __future__ import annotations

from providers._sketch.canvas import rectangle
from providers._sketch.colours import mix, rgb
from providers._sketch.scene import Scene


def draw_city(s: Scene, low: float) -> None:
    for row in range(4):
        near = row / 3
        y = low - 0.1 * s.u * (1 - near**1.2)
        _draw_row(s, y, min(s.h * 0.4, s.u * 0.5) * (1.05 - 0.25 * near), 0.78 - 0.68 * near)


def _draw_row(s: Scene, y: float, reach: float, away: float) -> None:
    rng, c, light, x = s.rng, s.canvas, s.light, -0.02 * s.w
    walls, panes, signs = [], [], []
    while x < s.w:
        wide = s.u * rng.uniform(0.09, 0.18) * (1 - 0.6 * away)
        tall = reach * rng.uniform(0.45, 1.1)
        roof, pane = y - tall, wide / 9
        walls.append(rectangle(x, roof, x + wide, s.h))
        if rng.random() < 0.5:
            top = roof - wide * rng.uniform(0.2, 0.5)
            walls.append(rectangle(x + 0.25 * wide, top, x + 0.75 * wide, y))
            walls.append(rectangle(x + 0.48 * wide, top - 0.5 * wide, x + 0.52 * wide, y))
        for k in range(int(tall / pane / 2.2) - 1):
            for a in (x + pane * (1 + 2 * n) for n in range(4)):
                if rng.random() < 0.55:
                    b = roof + pane * (1 + 2.2 * k)
                    panes.append(rectangle(a, b, a + pane, b + 1.3 * pane))
        if away < 0.5 and rng.random() < 0.6 and light.dim:
            signs.append((x + wide * 0.8, y - tall * rng.uniform(0.45, 0.8), wide * 0.22))
        x += wide * rng.uniform(1.02, 1.25)
    colour = light.land(away)
    c.fill(walls, colour, mix(colour, light.haze, 0.45))
    glass = rgb("#ffd88a") if light.dim else mix(colour, light.sky[0], 0.6)
    c.fill(panes, glass, opacity=0.9 - 0.75 * away)
    for a, b, size in signs:
        tint = rgb(rng.choice(("#ff4fa3", "#37e6f2", "#ffd24a", "#b06bff")))
        c.glow(a + size / 2, b + 1.7 * size, size * 4.5, tint, 0.6)
        c.fill([rectangle(a, b, a + size, b + 3.4 * size)], tint, keep=1)
