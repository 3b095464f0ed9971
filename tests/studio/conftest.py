"""A studio of fake providers, with a real database and real files, and a clock to turn."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from providers.base import Entry, Provider
from studio.config import Config
from studio.database import open_database
from studio.ledger import Ledger
from studio.receipt import Attempt
from studio.studio import Made, Studio
from studio.visitor import Visitor
from tests.chromium import MUST
from tests.postgres import MISSING, Postgres, installed
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests, started by the first that asks. On a build server it must be had."""
    if installed() is None:
        (pytest.fail if MUST else pytest.skip)(MISSING)
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The test runs on both databases; None is the one in the data folder."""
    if request.param == "sqlite":
        yield None
    else:
        with request.getfixturevalue("postgres").database() as url:
            yield url


@pytest.fixture
def engine(database_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    """A new ledger's database, on SQLite and on PostgreSQL."""
    engine = open_database(tmp_path, database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(engine: Engine, clock: Clock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture(autouse=True)
def adapters(monkeypatch: pytest.MonkeyPatch) -> dict[str, Provider]:
    """The fake adapters stand beside the real ones; what is put in here, they hand out."""
    providers: dict[str, Provider] = {}
    for name, traits in fakes.ADAPTERS.items():
        monkeypatch.setitem(sys.modules, f"providers.{name}", fakes.adapter(traits, providers))
    return providers


@pytest.fixture
def where() -> str | None:
    """The database of what `build` builds: SQLite, but for modules that ask for both in its place."""
    return None


@pytest_asyncio.fixture
async def build(
    adapters: dict[str, Provider], tmp_path: Path, where: str | None
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
        around = {} if environ is None else environ  # a test may change it later
        around |= {"DATABASE_URL": where} if where else {}
        studio = Studio(Config(entries, **config), tmp_path / "data", around, clock)
        made.append(studio)
        return Bench(studio, fake, clock)

    yield bench
    for studio in made:
        await studio.aclose()
