"""The provider contract, as one table: every adapter × every answer on record × every fault.

A cell is one call of a real adapter, through its real SDK, of a real server on loopback. It ends as
the right error in time, leaves no thread and no open socket behind, and shows nobody the key.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from providers.base import Model, PictureRequest, ProviderError
from studio.loader import adapter_names
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, serve

WIRE = Path(__file__).parent.parent / "wire"
WITHOUT_WIRE = {"sketch", "diffusers_local"}
"""Adapters that speak to nobody."""

PROMPT = PictureRequest("a fox", width=1024, height=1024, seed=7)
SECONDS = 1.5
"""For a cell whose server never ends its answer; the others take milliseconds."""

SLACK = 4.0
"""Seconds after the deadline by which a cell must have ended: the grace of a cancelled job."""


def bomb() -> bytes:
    """A PNG whose header promises 50,000 × 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


PNG = picture("png")
HTML = "<!doctype html><title>Sign in</title><p>Please sign in."
FAULTS: dict[str, Answer] = {
    "hang before headers": Answer(fault="hang"),
    "closed without an answer": Answer(fault="close"),
    "HTML with 200": Answer(headers={"content-type": "text/html"}, body=HTML),
    "empty 200": Answer(),
    "wrong content type": Answer(headers={"content-type": "application/zip"}, body=b"PK\3\4zip"),
    "a redirect to a private address": Answer(302, {"location": "http://10.0.0.1/picture.png"}),
}
PICTURE_FAULTS: dict[str, Answer] = {
    "hang mid-body": Answer(body=PNG, fault="hang_within"),
    "broken off mid-body": Answer(body=PNG, fault="break_off"),
    "truncated picture": Answer(body=PNG[: len(PNG) // 2]),
    "picture bomb": Answer(body=bomb()),
    "oversized body": Answer(body=PNG + bytes(33 * 2**20)),
    "slow drip": Answer(body=PNG, fault="drip"),
    "not a picture": Answer(body=HTML.encode()),
}
FETCH_FAULTS = {name: answer for name, answer in FAULTS.items() if "hang" not in name}


@dataclass(frozen=True)
class Cell:
    adapter: str
    name: str
    asked: Answer | None = None
    picture: Answer | None = None
    usd: int = 0

    def __str__(self) -> str:
        return f"{self.adapter}: {self.name}{' (paid)' if self.usd else ''}"


def rig_of(adapter: str) -> ModuleType:
    return importlib.import_module(f"tests.rigs.{adapter}")


def cells() -> Iterator[Cell]:
    for adapter in adapter_names():
        if adapter in WITHOUT_WIRE or not _has_rig(adapter):
            continue
        for usd in (0, 1):
            for name, answer in FAULTS.items():
                yield Cell(adapter, name, asked=answer, usd=usd)
            for name, answer in PICTURE_FAULTS.items():
                yield Cell(adapter, f"picture: {name}", picture=answer, usd=usd)
            if not rig_of(adapter).INLINE:
                for name, answer in FETCH_FAULTS.items():
                    yield Cell(adapter, f"picture: {name}", picture=answer, usd=usd)


def _has_rig(adapter: str) -> bool:
    return (Path(__file__).parent.parent / "rigs" / f"{adapter}.py").exists()


@pytest.mark.parametrize("adapter", sorted(set(adapter_names()) - WITHOUT_WIRE))
def test_every_adapter_has_canned_answers(adapter: str) -> None:
    rows = list((WIRE / adapter).glob("*.yaml"))
    assert rows, (
        f"providers/{adapter}.py has no canned answers: add tests/wire/{adapter}/answers.yaml with "
        "what the real server answers on success and for each error, each with its source"
    )
    assert _has_rig(adapter), (
        f"providers/{adapter}.py cannot be driven by the contract table: add "
        f"tests/rigs/{adapter}.py as tests/rigs/__init__.py describes it"
    )


@pytest.mark.parametrize("cell", [pytest.param(cell, id=str(cell)) for cell in cells()])
async def test_a_cell_of_the_contract_ends_as_it_must(cell: Cell, caplog: Any) -> None:
    rig = rig_of(cell.adapter)
    before = _left_open()
    with getattr(rig, "serve", serve)(rig.stage(cell.asked, cell.picture)) as server:
        outcome, text, seconds = await _ask(rig, server.url, cell.usd)
        server.release.set()
    assert seconds < SECONDS + SLACK
    assert outcome in _allowed(cell), text
    assert rig.KEY is None or rig.KEY.rpartition(":")[2] not in text + caplog.text
    await _nothing_left(before)


@pytest.mark.parametrize("adapter", sorted(set(adapter_names()) - WITHOUT_WIRE))
async def test_a_dead_host_is_unavailable_in_no_time(adapter: str) -> None:
    rig = rig_of(adapter)
    for usd in (0, 1):
        outcome, text, seconds = await _ask(rig, dead_url(), usd)
        assert outcome == "unavailable", text
        assert seconds < 3


@pytest.mark.parametrize("adapter", sorted(set(adapter_names()) - WITHOUT_WIRE))
async def test_when_all_goes_well_the_picture_comes_unchanged(adapter: str) -> None:
    rig = rig_of(adapter)
    for form in ("png", "jpeg", "webp"):
        sent = Answer(headers={"content-type": f"image/{form}"}, body=picture(form))
        with getattr(rig, "serve", serve)(rig.stage(picture=sent)) as server:
            outcome, text, _ = await _ask(rig, server.url, 0)
        assert outcome == picture(form), text


def test_the_table_says_how_many_cells_it_has(record_property: Any, capsys: Any) -> None:
    count = sum(1 for _ in cells())
    adapters = sorted({cell.adapter for cell in cells()})
    with capsys.disabled():
        print(f"\ncontract: {count} cells of {len(adapters)} adapters ({', '.join(adapters)})")
    assert count >= 20 * len(adapters)


async def _ask(rig: ModuleType, url: str, usd: int) -> tuple[str | bytes, str, float]:
    """The outcome (the picture's bytes where there is one), its words, and the seconds it took."""
    settings = rig.entry(url, models=(Model(rig.MODEL, Decimal(usd)),))
    provider = importlib.import_module(f"providers.{settings.adapter}").create(settings)
    loop = asyncio.get_running_loop()
    began = loop.time()
    request = replace(PROMPT, model=rig.MODEL)
    try:
        made = await provider.generate(
            request, key=rig.KEY, deadline=began + SECONDS, report=lambda _: None
        )
        return made.data, "a picture", loop.time() - began
    except ProviderError as error:
        return error.outcome, f"{error!r} {error}", loop.time() - began
    finally:
        await provider.aclose()


def _allowed(cell: Cell) -> set[str]:
    """What may come of it. Paid and lost sight of is unknown; free and lost is unavailable; what
    was answered in full but is no picture is unavailable, unless it was fetched after the job.
    """
    if cell.usd == 0:
        return {"unavailable"}
    rig = rig_of(cell.adapter)
    lost = {"hang", "closed", "broken", "drip"}
    if cell.picture and not rig.INLINE:
        return (
            {"outcome_unknown", "unavailable"} if not _is_lost(cell, lost) else {"outcome_unknown"}
        )
    if _is_lost(cell, lost):
        return {"outcome_unknown"}
    return {"unavailable", "outcome_unknown"} if cell.picture else {"unavailable"}


def _is_lost(cell: Cell, words: set[str]) -> bool:
    return any(word in cell.name for word in words)


def _left_open() -> tuple[set[int], int]:
    gc.collect()
    return {thread.ident or 0 for thread in threading.enumerate()}, _sockets()


def _sockets() -> int:
    """How many sockets this process holds."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    names = []
    for number in os.listdir(folder):
        try:
            names.append(os.readlink(folder / number))
        except OSError:
            continue
    return sum(name.startswith("socket:") for name in names)


async def _nothing_left(before: tuple[set[int], int]) -> None:
    """Threads of the loop's own executor may stay; everything else must be gone in a moment."""
    ends = time.monotonic() + SLACK
    while True:
        _, sockets = _left_open()
        new = [t.name for t in threading.enumerate() if t.ident not in before[0]]
        new = [name for name in new if not name.startswith("asyncio_")]
        if not new and sockets <= before[1]:
            return
        assert time.monotonic() < ends, f"left behind: threads {new}, {sockets - before[1]} sockets"
        await asyncio.sleep(0.05)
