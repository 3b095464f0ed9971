"""The drill: no fault of a vendor makes us pay twice for one picture.

Every fault that tests/cells.py has, and every answer on record, is put to its vendor as the first of
three that are asked: it has a price, so has the second, and the third is free. Whatever may have
been paid for at the first, the second must not be reached; and what the ledger counts must be what
the attempts say.

    make drill
"""

from __future__ import annotations

import asyncio
import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from providers.base import Entry, Model, Provider
from studio.config import Budget, Config
from studio.database import reading
from studio.loader import create_provider
from studio.meters import amount
from studio.receipt import Attempt, NobodyCould
from studio.studio import Studio
from studio.visitor import Visitor
from tests.canned import answer_of
from tests.cells import Cell, answered, cells
from tests.loopback import Server, serve
from tests.recorded import rig_of

PRICE = Decimal("0.01")
BUDGET = Budget(usd_per_image=PRICE, usd_per_day=Decimal(1))
OWNER = Visitor("owner", True)
SILENT, TALKING = 1.0, 5.0
"""Seconds for the vendor that fails: its fault is a silence, or it is something that it says."""

AT_ONCE = 8

NOT_ACCEPTED = ("dead host", "a redirect to a private address")
"""The faults that say: I made none. Whatever comes with status 200 does not say that."""


@dataclass(frozen=True)
class Outcome:
    """What came of one fault: the attempts, whether the vendor may have made the picture that it
    did not give, how often the second one was asked, and what its ledger says was spent.
    """

    cell: Cell
    attempts: tuple[Attempt, ...]
    accepted: bool
    second: int
    spent: Decimal

    @property
    def wrong(self) -> str | None:
        """What is wrong with it, in a sentence."""
        first = self.attempts[0]
        said = f"{self.cell}: {first.outcome}, billed {first.billed} ({first.reason})"
        if self.accepted and self.second:
            return f"{said}; and yet a second paid one was asked"
        if first.billed != "no" and self.second:
            return f"{said}; a second paid one was asked all the same"
        if self.second > 1:
            return f"{said}; the second paid one was asked {self.second} times"
        if self.spent != sum(map(_cost, self.attempts)):
            return f"{said}; the ledger says that ${self.spent} was spent"
        if self.attempts[-1].outcome != "succeeded":
            return f"{said}; and no picture came in the end"
        return None


def _cost(attempt: Attempt) -> Decimal:
    """What it cost, or may have cost."""
    if attempt.cost_usd is not None:
        return attempt.cost_usd
    return Decimal(0) if attempt.billed == "no" else PRICE


def faults(each: bool = True) -> list[Cell]:
    """All but those which only a whole Space can raise. Of the answers on record one for each
    outcome of each vendor, if not `each`.
    """
    found = {
        (
            cell.label,
            cell.name if each or not cell.row else (cell.row["expect"], cell.row.get("paid")),
        ): cell
        for cell in cells()
        if cell.group != "success" and "raise" not in (cell.row or {})
    }
    return list(found.values())


async def drill(faults: Iterable[Cell]) -> list[Outcome]:
    """Go through them, some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)
    with ExitStack() as stack:
        others = [stack.enter_context(_other(*names)) for names in OTHERS]
        empty = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_few_authorities(empty / "authority.pem"))
        await Studio(Config({}, fallback=()), empty, {}).aclose()

        async def one(number: int, cell: Cell) -> Outcome:
            second = others[cell.adapter == OTHERS[0][1]]
            async with gate:
                return await _go_through(cell, f"fox no. {number};", [second, others[2]], empty)

        done = await asyncio.gather(*(one(*numbered) for numbered in enumerate(faults)))
        for other in others:
            await other.provider.aclose()
        return list(done)


@contextmanager
def _few_authorities(file: Path) -> Iterator[None]:
    """One certificate authority in place of all: there is no TLS on loopback, and to read them all
    for each client is half of the work.
    """
    import certifi

    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    file.write_text(first + end, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


OTHERS = (("second", "openai_images"), ("second", "stability"), ("free", "automatic1111"))
"""Who is asked after the vendor that fails; the second of them, where it is the first."""


@dataclass(frozen=True)
class Other:
    """One that always works: its entry, its provider, and its server, which counts."""

    entry: Entry
    provider: Provider
    server: Server

    def asked_for(self, prompt: str) -> int:
        return sum(prompt.encode() in request.body for request in self.server.requests)


@contextmanager
def _other(name: str, adapter: str) -> Iterator[Other]:
    rig = rig_of(adapter)
    with serve(rig.stage()) as server:
        usd = Decimal(0) if name == "free" else PRICE
        entry = rig.entry(server.url, models=(Model(rig.MODEL, usd),), key_env=name.upper())
        entry = replace(entry, name=name)
        yield Other(entry, create_provider(entry), server)


class _Studio(Studio):
    """One whose last two providers are there already: to make them takes longer than to ask."""

    others: Mapping[str, Other] = {}

    def provider(self, name: str) -> Provider:
        return self.others[name].provider if name in self.others else super().provider(name)


async def _go_through(cell: Cell, prompt: str, others: Sequence[Other], empty: Path) -> Outcome:
    with ExitStack() as stack:
        scene = await asyncio.to_thread(stack.enter_context, answered(cell))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copyfile(empty / "ledger.db", folder / "ledger.db")
        entries = {
            "first": _first(cell, scene.address),
            **{one.entry.name: one.entry for one in others},
        }
        config = Config(
            entries,
            fallback=tuple(entries),
            free_first=False,
            budget=BUDGET,
            on_refusal="next_free",
        )
        keys = {"FIRST": _key(cell)} | {
            one.entry.name.upper(): rig_of(one.entry.adapter).KEY for one in others
        }
        studio = _Studio(config, folder, keys)
        studio.others = {one.entry.name: one for one in others}
        try:
            request = studio.check(prompt=prompt, width=1024, height=1024, seed=7)
            (made,) = await studio.generate_many(request, OWNER, 1)
            attempts = made.attempts if isinstance(made, NobodyCould) else made.receipt.attempts
            spent = await asyncio.to_thread(_spent, studio)
        finally:
            await studio.aclose()
            await asyncio.to_thread(stack.pop_all().close)
    second = others[0].asked_for(prompt)
    return Outcome(cell, attempts, _may_have_been_made(cell), second, spent)


def _first(cell: Cell, address: str) -> Entry:
    rig = rig_of(cell.adapter)
    model = rig.SDXL if cell.is_over_grpc else rig.MODEL
    entry: Entry = rig.entry(
        address, models=(Model(model, PRICE),), timeout=SILENT if _is_silent(cell) else TALKING,
        key_env="FIRST" if _key(cell) else None,
    )  # fmt: skip
    return replace(entry, name="first")


def _is_silent(cell: Cell) -> bool:
    faults = (cell.asked, cell.picture, cell.row and answer_of(cell.row))
    kept = (cell.grpc or {}).get("fate"), (cell.row or {}).get("grpc")
    return any(one and one.fault in ("hang", "hang_within", "drip") for one in faults) or bool(
        {"hang", "keep"} & set(kept)
    )


def _key(cell: Cell) -> str:
    return (cell.row or {}).get("key", rig_of(cell.adapter).KEY) or ""


def _spent(studio: Studio) -> Decimal:
    with reading(studio.ledger.engine) as connection:
        return amount(connection, "everybody", studio.clock().date().isoformat())


def _may_have_been_made(cell: Cell) -> bool:
    if cell.row is not None:
        return cell.row.get("paid", cell.row["expect"]) in ("succeeded", "outcome_unknown")
    return cell.name not in NOT_ACCEPTED


def told(outcomes: Iterable[Outcome]) -> str:
    """The sentence that ends a drill, or the list of what is wrong.

    Counted are the faults that every vendor met; the answers on record, each of one vendor, come on
    top.
    """
    outcomes = list(outcomes)
    wrong = [outcome.wrong for outcome in outcomes if outcome.wrong]
    if wrong:
        return "\n".join([*wrong, f"{len(wrong)} of {len(outcomes)} are wrong"])
    met: dict[str, set[str]] = {}
    for cell in (outcome.cell for outcome in outcomes if outcome.cell.row is None):
        met.setdefault(cell.adapter, set()).add(cell.name.removeprefix("picture: "))
    common = set.intersection(*met.values())
    return f"zero double charges in {len(common)} faults × {len(met)} vendors"


def main() -> None:
    importlib.import_module("tests.conftest")  # nothing gets past loopback here, either
    said = told(asyncio.run(drill(faults())))
    print(said)
    sys.exit(0 if said.startswith("zero") else 1)


if __name__ == "__main__":
    main()
