"""The table of the provider contract: every adapter × every way in which its service may answer."""

from __future__ import annotations

import importlib.util
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.loader import adapter_names
from tests.canned import picture, rows
from tests.dead_hosts import dead_url
from tests.loopback import Answer, serve
from tests.recorded import Scene, answering, is_over_grpc, rig_of, scene_of

HERE = Path(__file__).parent
WITHOUT_WIRE = {"sketch", "diffusers_local"}
"""Adapters that speak to nobody."""

ADAPTERS = sorted(set(adapter_names()) - WITHOUT_WIRE)
GRPC = "stability over gRPC"
"""Its one model that goes another way has rows of its own in the table."""

FORMS = ("png", "jpeg", "webp")
Group = Literal["success", "dead host", "fault", "on record"]


def bomb() -> bytes:
    """A PNG whose header promises 50,000 × 50,000 pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


PNG = picture("png")
LARGE = PNG + bytes(33 * 2**20)
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
    "oversized body": Answer(body=LARGE),
    "slow drip": Answer(body=PNG, fault="drip"),
    "not a picture": Answer(body=HTML.encode()),
}
FETCH_FAULTS = {name: answer for name, answer in FAULTS.items() if "hang" not in name}
FETCH_FAULTS["gone"] = Answer(404)
GRPC_FAULTS: dict[str, dict[str, Any]] = {
    "hang before headers": {"fate": "hang"},
    "hang mid-body": {"fate": "keep"},
    "broken off mid-body": {"fate": "keep"},
    "closed without an answer": {"fate": "nothing"},
    "truncated picture": {"data": PNG[: len(PNG) // 2]},
    "HTML for a picture": {"data": HTML.encode()},
    "empty picture": {"data": b""},
    "wrong content type": {"data": b"PK\3\4zip"},
    "picture bomb": {"data": bomb()},
    "oversized body": {"data": LARGE},
}
"""There is no HTTP for a redirect, and no body that could drip, between the two ends of gRPC."""


@dataclass(frozen=True)
class Cell:
    """One call: to whom, how it is answered, and what one picture costs there."""

    adapter: str
    group: Group
    name: str
    usd: int = 0
    asked: Answer | None = None
    picture: Answer | None = None
    grpc: Mapping[str, Any] | None = None
    row: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.label}: {self.name}{' (paid)' if self.usd else ''}"

    @property
    def label(self) -> str:
        return GRPC if self.is_over_grpc else self.adapter

    @property
    def is_over_grpc(self) -> bool:
        return self.grpc is not None or (self.row is not None and is_over_grpc(self.row))

    @property
    def is_endless(self) -> bool:
        """Whether nothing but the deadline ends it."""
        row, grpc = self.row or {}, self.grpc or {}
        faults = {
            row.get("fault"),
            *(answer.fault for answer in (self.asked, self.picture) if answer),
        }
        kept = grpc.get("fate", row.get("grpc")) in ("hang", "keep") and "broken" not in self.name
        return bool(faults & {"hang", "hang_within", "drip"}) or kept or row.get("endless", False)


def cells() -> Iterator[Cell]:
    for adapter in ADAPTERS:
        if (HERE / "wire" / adapter / "rig.py").exists():
            yield from _over_http(adapter)
            yield from _on_record(adapter)
    if importlib.util.find_spec("stability_sdk"):  # there is none for Python 3.13 or later
        yield from _over_grpc()


def _over_http(adapter: str) -> Iterator[Cell]:
    for form in FORMS:
        sent = Answer(headers={"content-type": f"image/{form}"}, body=picture(form))
        yield Cell(adapter, "success", f"success ({form})", picture=sent)
    for usd in (0, 1):
        yield Cell(adapter, "dead host", "dead host", usd)
        for name, answer in FAULTS.items():
            yield Cell(adapter, "fault", name, usd, asked=answer)
        for name, answer in PICTURE_FAULTS.items():
            yield Cell(adapter, "fault", f"picture: {name}", usd, picture=answer)
        if not rig_of(adapter).INLINE:
            for name, answer in FETCH_FAULTS.items():
                yield Cell(adapter, "fault", f"picture: {name}", usd, picture=answer)


def _over_grpc() -> Iterator[Cell]:
    for form in FORMS:
        yield Cell("stability", "success", f"success ({form})", grpc={"data": picture(form)})
    for usd in (0, 1):
        yield Cell("stability", "dead host", "dead host", usd, grpc={})
        for name, how in GRPC_FAULTS.items():
            yield Cell("stability", "fault", name, usd, grpc=how)
    for row in filter(is_over_grpc, rows("stability")):
        yield from _of_row("stability", row)


def _on_record(adapter: str) -> Iterator[Cell]:
    for row in rows(adapter):
        if not is_over_grpc(row):
            yield from _of_row(adapter, row)


def _of_row(adapter: str, row: Mapping[str, Any]) -> Iterator[Cell]:
    """What a row expects holds for a free picture, but where its picture is never free."""
    name = f"on record: {row['name']}"
    yield Cell(adapter, "on record", name, int(adapter == "huggingface"), row=row)
    if "paid" in row:
        yield Cell(adapter, "on record", name, 1, row=row)


@contextmanager
def answered(cell: Cell) -> Iterator[Scene]:
    """A server that answers so."""
    rig = rig_of(cell.adapter)
    if cell.group == "dead host":
        yield Scene(dead_url().removeprefix("http://" if cell.is_over_grpc else ""))
    elif cell.row is not None:
        with answering(cell.adapter, cell.row) as scene:
            yield scene
    elif cell.grpc is not None:
        with rig.serve_grpc(**cell.grpc) as told:
            with _pulled(rig, told) if "broken" in cell.name else nullcontext(told.host) as host:
                yield Scene(host, lambda: len(told.asked))
    else:
        with getattr(rig, "serve", serve)(rig.stage(cell.asked, cell.picture)) as server:
            yield scene_of(cell.adapter, server)
            server.release.set()


@contextmanager
def _pulled(rig: Any, told: Any) -> Iterator[str]:
    """The way to a gRPC server, that breaks as soon as the request has come."""
    cable = rig.Cable(told.host)
    thread = threading.Thread(target=lambda: told.came.wait(5) and cable.pull())
    thread.start()
    yield cable.host
    told.came.set()
    thread.join()
