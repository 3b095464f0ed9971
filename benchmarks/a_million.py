"""The plan, the cost table and the ledger with a million attempts, beside a thousand: what is read
at each request must not grow with what was ever done. On both databases.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

from benchmarks.long_ledger import KEYS, fill
from benchmarks.row import Row, row
from studio import rests
from studio.config import load_config
from studio.costs import cost_rows
from studio.database import reading
from studio.keys import account_of
from studio.ledger import Opened
from studio.offer import Planned
from studio.receipt import Attempt
from studio.studio import Studio
from studio.visitor import Visitor
from tests.postgres import MISSING, Postgres, installed
from tests.running import ROOT

SIZES = (1_000, 1_000_000)
ROUNDS, WARM_UP = 40, 5
ME = Visitor("owner", owner=True)


def measure() -> Iterator[Row]:
    yield from _on("SQLite", [None, None])
    if installed() is None:
        print(f"left out: {MISSING}")
        return
    with Postgres() as server, server.database() as small, server.database() as large:
        yield from _on("PostgreSQL", [small, large])


def _on(database: str, urls: list[str | None]) -> Iterator[Row]:
    with ExitStack() as stack:
        few, many = (
            stack.enter_context(_studio(count, url)) for count, url in zip(SIZES, urls, strict=True)
        )
        for what, calls in asyncio.run(_in_turns(few, many)).items():
            name = f"{what}, {database}, with a million attempts over a thousand"
            yield row(name, calls[1], calls[0])


@contextmanager
def _studio(count: int, url: str | None) -> Iterator[Studio]:
    """The installation as it comes, every entry set up, after so many attempts."""
    config = load_config(ROOT / "config.yaml")
    entries = config.providers.values()
    variables = [name for one in entries for name in (one.key_env, one.base_url_env) if name]
    environ = {**dict.fromkeys(variables, KEYS[0]), "DATABASE_URL": url or ""}
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(config, Path(folder), environ)
        fill(studio.ledger.engine, config, count)
        yield studio
        asyncio.run(studio.aclose())


async def _in_turns(few: Studio, many: Studio) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of each thing in both, one after the other."""
    first = {studio: (await studio.plan(ME))[0] for studio in (few, many)}
    things: dict[str, Callable[[Studio], Awaitable[object]]] = {
        "the plan": lambda studio: studio.plan(ME), "the cost table": _costs,
        "whether many failed lately": _recent,
        "an attempt begun and settled": lambda studio: _attempt(studio, first[studio]),
    }  # fmt: skip
    found = {}
    for what, thing in things.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(WARM_UP + ROUNDS):
            for studio, taken in zip((few, many), seconds, strict=True):
                began = time.perf_counter()
                await thing(studio)
                if number >= WARM_UP:
                    taken.append(time.perf_counter() - began)
        found[what] = seconds
    return found


async def _costs(studio: Studio) -> object:
    return cost_rows(await studio.plan(ME), await studio.figures())


async def _recent(studio: Studio) -> None:
    now = studio.clock()
    with reading(studio.ledger.engine) as connection:
        for one in studio.config.providers.values():
            model = one.models[0].id
            rests._recent(connection, one.name, model, account_of(KEYS[0]), now)


async def _attempt(studio: Studio, offer: Planned) -> None:
    assert offer.holds
    opened = studio.ledger.start("0" * 32, offer)
    assert isinstance(opened, Opened)
    offer_of = (offer.entry.name, offer.model.id)
    studio.ledger.settle(opened, Attempt(*offer_of, "unavailable", "why", 1.0, Decimal(0)))
