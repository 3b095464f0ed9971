"""What lies behind: ridges, peaks, groves and houses, paler the farther they are."""

from __future__ import annotations

from collections.abc import Callable

from providers._sketch.canvas import Outline, rectangle
from providers._sketch.colours import mix, rgb
from providers._sketch.drawings import outlines_of
from providers._sketch.sky import Sky


class Ground(Sky):
    """Knows how to draw the background."""

    def draw_backdrop(self, kind: str, low: float) -> Callable[[float], float]:
        """Layers from far to near; returns the line of the last, which lies at `low`."""
        u, c = self.u, self.canvas
        top, reach = min(self.horizon - 0.03 * self.h, low - 0.1 * u), min(self.h * 0.4, u * 0.5)
        if kind == "peaks":
            self.draw_peaks(top + 0.08 * u, reach * (1.15 if self.has("dramatic") else 0.95))
        line, count = self.wave(low, 0), 2 if kind == "isles" else 3 if self.has("calm") else 4
        for i in range(count):
            near = i / (count - 1)
            away, y = 0.78 - 0.68 * near, top + (low - top) * near**1.2
            if kind == "skyline":
                self.draw_blocks(y, reach * (1.05 - 0.25 * near), away)
                continue
            swing = u * (0.055 - 0.035 * near) * min(self.jag, 1.2)
            if kind == "isles":
                away, y = 0.75 - 0.3 * near, self.horizon + 0.005 * u
            line = self.wave(y, swing, kind)
            outlines, colour = [self.slope(line)], self.land(away)
            if kind == "woods" and near < 1:
                red = mix(self.leaf("tree"), rgb("#c9452f" if i % 2 else "#f2bb4f"), 0.35)
                colour = red if self.has("autumn") else self.leaf(self.woods())
                colour = mix(colour, self.haze, away)
            if near < 1 and kind != "isles":
                size = u * (0.16 + 0.24 * near) if kind == "woods" else u * 0.07 * (0.7 + near)
                outlines += self.grove(line, size, crowded=kind == "woods")
            foot = mix(colour, self.haze, 0.5 if self.has("fog", "ink") else 0.22)
            c.fill(outlines, colour, foot)
            if self.has("fog") or (self.hour == "ink" and near < 1):
                self.mist(y + 0.1 * u, 0.22 * u, 0.75 if near < 1 else 0.3)
        return line

    def grove(self, line: Callable[[float], float], size: float, crowded: bool) -> list[Outline]:
        """Trees on a far slope: all along it, or in one cluster."""
        rng, kind = self.rng, self.woods()
        if crowded:
            count = round(3.2 * self.w / size)
            xs = [(k + rng.random()) * self.w / count for k in range(count)]
        elif self.place in ("desert", "canyon", "city"):
            return []
        else:
            centre, kind = rng.random(), "tree" if self.place == "field" else kind
            xs = [self.w * centre + self.u * rng.uniform(-0.25, 0.25) for _ in range(7)]
        trees: list[Outline] = []
        for x in xs:
            tall = size * rng.uniform(0.7, 1.15)
            trees += outlines_of(kind, x, line(x) + (0.17 if crowded else 0.04) * tall, tall)
        return trees

    def draw_peaks(self, base: float, reach: float) -> None:
        count = max(3, round(1.6 * self.w / reach))
        for i in sorted(range(count), key=lambda i: i % 2):  # Every other one stands in front.
            x = self.w * (i + self.rng.uniform(0.15, 0.85)) / count
            tall = reach * self.rng.uniform(0.72, 1.0) * (0.68 if i % 2 else 1.0)
            self.draw_peak(x, base, tall, 0.42 if i % 2 else 0.62)

    def draw_peak(self, x: float, base: float, tall: float, away: float) -> None:
        rng, c = self.rng, self.canvas
        wide = tall * rng.uniform(0.75, 1.0) / (0.8 + 0.2 * self.jag)

        def edge(lean: float, rough: float) -> Outline:
            """From below the summit to the foot."""
            bends = [(t, lean * t + rng.uniform(-rough, rough) * self.jag) for t in steps]
            return [(x + wide * bend, base - tall * (1 - t)) for t, bend in bends]

        steps = (0.14, 0.3, 0.48, 0.7, 1.0)
        left, right, spine = edge(-1, 0.05), edge(1, 0.05), edge(0.16, 0.09)
        summit, colour = (x, base - tall), self.land(away)
        c.fill([[summit, *right, *left[::-1]]], colour, mix(colour, self.haze, 0.6))
        if self.hour != "ink" and not self.has("summer", "autumn"):
            rim = [
                (x + wide * a, base - tall * b) for a, b in ((0.12, 0.8), (0, 0.66), (-0.1, 0.78))
            ]
            snow = mix(self.shown((250, 250, 252)), self.haze, 0.2)
            c.fill([[summit, *right[:2], *rim, *left[1::-1]]], snow)
        dark = mix(colour, self.lit((30, 36, 70)), 0.4)
        c.fill([[summit, *right, *spine[::-1]]], dark, mix(dark, self.haze, 0.7), 0.55)

    def draw_blocks(self, y: float, reach: float, away: float) -> None:
        """A row of houses up to the sky, with windows and at night with signs."""
        rng, c, x = self.rng, self.canvas, -0.02 * self.w
        walls, panes, signs = [], [], []
        while x < self.w:
            wide = self.u * rng.uniform(0.09, 0.18) * (1 - 0.6 * away)
            tall = reach * rng.uniform(0.45, 1.1)
            roof, pane = y - tall, wide / 9
            walls.append(rectangle(x, roof, x + wide, self.h))
            if rng.random() < 0.5:
                top = roof - wide * rng.uniform(0.2, 0.5)
                walls.append(rectangle(x + 0.25 * wide, top, x + 0.75 * wide, y))
                walls.append(rectangle(x + 0.48 * wide, top - 0.5 * wide, x + 0.52 * wide, y))
            for k in range(int(tall / pane / 2.2) - 1):
                for a in (x + pane * (1 + 2 * n) for n in range(4)):
                    if rng.random() < 0.55:
                        b = roof + pane * (1 + 2.2 * k)
                        panes.append(rectangle(a, b, a + pane, b + 1.3 * pane))
            if away < 0.5 and rng.random() < 0.6 and self.dim:
                signs.append((x + wide * 0.8, y - tall * rng.uniform(0.45, 0.8), wide * 0.22))
            x += wide * rng.uniform(1.02, 1.25)
        colour = self.land(away)
        c.fill(walls, colour, mix(colour, self.haze, 0.45))
        glass = rgb("#ffd88a") if self.dim else mix(colour, self.sky[0], 0.6)
        c.fill(panes, glass, opacity=0.9 - 0.75 * away)
        for a, b, size in signs:
            tint = rgb(rng.choice(("#ff4fa3", "#37e6f2", "#ffd24a", "#b06bff")))
            c.glow(a + size / 2, b + 1.7 * size, size * 4.5, tint, 0.6)
            c.fill([rectangle(a, b, a + size, b + 3.4 * size)], tint, keep=1)
