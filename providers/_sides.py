"""Width and height as a service can make them. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from providers.errors import Unsupported

MOST_CHANGE = 1.10
"""How much the ratio of the sides may change: 10 %."""


class Sides(NamedTuple):
    """The sides that a service makes: pixels from `min` to `max`, in multiples of `step`."""

    min: int = 1
    max: int = 16_384
    step: int = 1

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Sides:
        """As an option of config.yaml has them: `{min: 256, max: 2048, step: 32}`."""
        return cls(**{name: int(options[name]) for name in cls._fields if name in options})

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """The size nearest to `width` × `height` that keeps their ratio as well as it can.
        Raises Unsupported if the ratio would change by more than 10 %.
        """
        scale = min(self.max / max(width, height), max(1.0, self.min / min(width, height)))
        near = self._round(width * scale), self._round(height * scale)
        refuse_other_shape((width, height), near)
        return near

    def _round(self, side: float) -> int:
        least = -(-self.min // self.step)
        return self.step * max(least, min(self.max // self.step, int(side / self.step + 0.5)))


def refuse_other_shape(wanted: tuple[int, int], made: tuple[int, int]) -> None:
    """Raise Unsupported if `made` is of another shape than `wanted` (each width and height)."""
    change = (wanted[0] * made[1]) / (wanted[1] * made[0])
    if max(change, 1 / change) > MOST_CHANGE:
        raise Unsupported(
            f"{wanted[0]}×{wanted[1]} is not to be had there; the nearest is {made[0]}×{made[1]}"
        )


def size_notes(
    wanted: tuple[int, int], asked: tuple[int, int], made: tuple[int, int]
) -> Iterator[str]:
    """What became of the size `wanted`: `asked` was sent for it, and `made` is what came."""
    if asked != wanted:
        yield f"rounded {wanted[0]}×{wanted[1]} to {asked[0]}×{asked[1]}"
    if made != asked:
        yield f"made {made[0]}×{made[1]} instead of {asked[0]}×{asked[1]}"
