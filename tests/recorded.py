"""Stages a row of `tests/wire/<adapter>/answers.yaml` at the place that it speaks of."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from tests.canned import answer_of, naming_its_host, picture
from tests.loopback import Answer, Server, serve

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Scene:
    """An address, and how often a picture was asked for there."""

    address: str
    asked: Callable[[], int] = lambda: 0


def scene_of(adapter: str, server: Server) -> Scene:
    return Scene(server.url, lambda: len(server.to(rig_of(adapter).PLACES["asked"])))


def rig_of(adapter: str) -> ModuleType:
    return importlib.import_module(f"tests.wire.{adapter}.rig")


def is_over_grpc(row: Row) -> bool:
    return "grpc" in row


def prompt_of(row: Row) -> str:
    """With `raise`, the prompt has a real Space raise that."""
    return f"raise {json.dumps(row['raise'])}" if "raise" in row else "a fox"


@contextmanager
def answering(adapter: str, row: Row) -> Iterator[Scene]:
    """A server where all goes well, but for what the row says."""
    rig = rig_of(adapter)
    if is_over_grpc(row):
        how: dict[str, Any] = {"fate": row["grpc"], "details": row.get("details", "")}
        if "picture" in row or "body" in row:
            how["data"] = answer_of(row).encoded()[1]
        with rig.serve_grpc(**how, finish=row.get("finish", "STOP")) as told:
            yield Scene(told.host, lambda: len(told.asked))
        return
    staged = STAGED.get(adapter, _stage)(rig, row)
    with getattr(rig, "serve", serve)(staged) as server:
        yield scene_of(adapter, server)
        server.release.set()


def _stage(rig: ModuleType, row: Row) -> Any:
    answer, at = naming_its_host(answer_of(row)), row.get("at", "asked")
    if at == "asked":
        return rig.stage(asked=answer)
    return {**rig.stage(), rig.PLACES[at]: answer}


def _at_comfyui(rig: ModuleType, row: Row) -> Any:
    """`end` is how the history says that the job has ended."""
    comfy, answer, at = rig.stage(), answer_of(row), row.get("at", "asked")
    if at == "end":
        comfy.hold = True
        comfy.instead["GET /history"] = rig.ended(row["body"])
        comfy.instead["GET /view"] = Answer(body=picture())
    else:
        comfy.instead[rig.PLACES[at]] = answer
    return comfy


def _at_openai(rig: ModuleType, row: Row) -> Any:
    """Some hosts name an address, and there the picture is."""
    return {**_stage(rig, row), "GET /a.png": Answer(body=picture())}


def _at_zerogpu(rig: ModuleType, row: Row) -> Any:
    """A success is that of the file; what stands in the stream is one of its messages."""
    answer = answer_of(row)
    if row["expect"] == "succeeded":
        return rig.stage(picture=answer)
    if row.get("at") == "stream" and isinstance(answer.body, dict):
        return {**rig.stage(), rig.STREAM: replace(rig.stream(answer.body), fault=answer.fault)}
    return _stage(rig, row)


STAGED: dict[str, Callable[[ModuleType, Row], Any]] = {
    "comfyui": _at_comfyui,
    "openai_images": _at_openai,
    "zerogpu": _at_zerogpu,
}
