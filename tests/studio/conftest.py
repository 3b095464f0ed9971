"""A studio of fake providers, with a real database and real files, and a clock to turn."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from providers.base import Entry, Provider
from studio.config import Config
from studio.receipt import Attempt
from studio.studio import Made, Studio
from studio.visitor import Visitor
from tests.studio import fakes
from tests.studio.fakes import Clock, Outcome, Scripted

OWNER, GUEST = Visitor("owner", True), Visitor("guest")


class Bench:
    """One studio over scripted providers: `fake` has them by name, `attempts` is the last trail."""

    def __init__(self, studio: Studio, fake: dict[str, Scripted], clock: Clock) -> None:
        self.studio = studio
        self.fake = fake
        self.clock = clock

    async def make(self, visitor: Visitor = OWNER, **raw: Any) -> Made:
        request = self.studio.check(**{"prompt": "a fox"} | raw)
        return await self.studio.generate(request, visitor)

    def asked(self) -> list[str]:
        """The providers that were called."""
        return [name for name in self.fake if self.fake[name].calls]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What the database has, read past our own code."""
        with self.studio._engine.connect() as connection:
            result = connection.exec_driver_sql(f"SELECT * FROM {table}")
            return [dict(row) for row in result.mappings()]


def trail(attempts: tuple[Attempt, ...]) -> list[tuple[str, str]]:
    return [(attempt.provider, attempt.outcome) for attempt in attempts]


@pytest.fixture(autouse=True)
def adapters(monkeypatch: pytest.MonkeyPatch) -> dict[str, Provider]:
    """The fake adapters stand beside the real ones; what is put in here, they hand out."""
    providers: dict[str, Provider] = {}
    for name, traits in fakes.ADAPTERS.items():
        monkeypatch.setitem(sys.modules, f"providers.{name}", fakes.adapter(traits, providers))
    return providers


@pytest_asyncio.fixture
async def build(
    adapters: dict[str, Provider], tmp_path: Path
) -> AsyncIterator[Callable[..., Bench]]:
    """Builds a studio of (entry, outcomes…); keywords are those of Config, and `environ`."""
    made: list[Studio] = []

    def bench(
        *scripts: tuple[Entry, Outcome] | tuple[Entry, Outcome, Outcome],
        environ: dict[str, str] | None = None,
        **config: Any,
    ) -> Bench:
        fake = {entry.name: Scripted(list(outcomes)) for entry, *outcomes in scripts}
        adapters.update(fake)
        entries = {entry.name: entry for entry, *_ in scripts}
        last = config.get("last_resort")
        config.setdefault("fallback", tuple(name for name in entries if name != last))
        clock = Clock()
        studio = Studio(Config(entries, **config), tmp_path / "data", environ or {}, clock)
        made.append(studio)
        return Bench(studio, fake, clock)

    yield bench
    for studio in made:
        await studio.aclose()
