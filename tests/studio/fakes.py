"""Fakes of our own seam: a provider that does as it is told, its adapters, and a clock to turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from types import ModuleType
from typing import Any

from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    Provider,
    SendsPromptTo,
    Traits,
)
from tests.canned import picture

ADAPTERS = {
    "open": Traits(needs_key=False),
    "keyed": Traits(),
    "local": Traits(needs_key=False, needs_address=True),
    "heavy": Traits(
        needs_key=False, needs_packages=("asyncio", "no_such_package"), install="pip install it"
    ),
    "drawn": Traits(needs_key=False, sample=True, sends_prompt_to=SendsPromptTo("nowhere")),
}
"""The fake adapters, by what they need."""

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=timezone.utc)


class Clock:
    """Stands still until told."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def painted(cost: str | None = "0", seed: int | None = 7, notes: tuple[str, ...] = ()) -> Picture:
    usd = None if cost is None else Decimal(cost)
    return Picture(picture("png"), "image/png", 64, 64, seed, usd, notes)


async def hang() -> Picture:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


Outcome = Picture | Exception | Callable[[], Any]
"""What comes of a call: a picture, an error, or whatever a coroutine function does."""


@dataclass(frozen=True)
class Call:
    request: PictureRequest
    key: str | None
    deadline: float


@dataclass
class Scripted:
    """A provider with its outcomes in order, the last one for all further calls."""

    outcomes: list[Outcome]
    calls: list[Call] = field(default_factory=list)
    closed: bool = False
    reports: tuple[Progress, ...] = ()

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        self.calls.append(Call(request, key, deadline))
        for progress in self.reports:
            report(progress)
        outcome = self.outcomes[min(len(self.calls), len(self.outcomes)) - 1]
        if isinstance(outcome, Picture):
            return outcome
        if isinstance(outcome, Exception):
            raise outcome
        result: Picture = await outcome()
        return result

    async def check(self, *, key: str | None) -> Check:
        return Check(True, "fake")

    async def aclose(self) -> None:
        self.closed = True


def adapter(traits: Traits, providers: Mapping[str, Provider]) -> ModuleType:
    """A module such as `providers/<name>.py`, whose `create` hands out the given providers."""
    module = ModuleType("adapter")
    module.TRAITS = traits  # type: ignore[attr-defined]
    module.create = lambda entry: providers[entry.name]  # type: ignore[attr-defined]
    return module


def entry(name: str, usd: str | None = "0", adapter: str = "open", **more: Any) -> Entry:
    """An entry with one model, `m`, at this price (None: unknown)."""
    more.setdefault("models", (Model("m", None if usd is None else Decimal(usd)),))
    return Entry(name, adapter, **more)
