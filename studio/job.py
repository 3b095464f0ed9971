"""One request on its way through the router."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from providers.base import Progress
from studio.offer import Planned
from studio.receipt import Attempt
from studio.request import Request
from studio.visitor import Visitor

Watch = Callable[[Planned, Progress | None, Sequence[Attempt]], None]
"""Told who is being asked, how far that is (None: just begun), and the trail so far."""


@dataclass(frozen=True)
class Job:
    """One request on its way. `started` and `until` are instants of the loop's clock; the seed is
    drawn. `pictures` is how many its visitor asked for at once.
    """

    id: str
    request: Request
    seed: int
    visitor: Visitor
    environ: Mapping[str, str]
    started: float
    until: float
    watch: Watch
    pictures: int = 1
