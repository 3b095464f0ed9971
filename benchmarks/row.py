"""One line of the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """Medians in milliseconds of two things that were measured in turns."""

    what: str
    ours: float
    floor: float


def row(what: str, ours: Sequence[float], floor: Sequence[float]) -> Row:
    """From seconds."""
    return Row(what, 1000 * statistics.median(ours), 1000 * statistics.median(floor))
