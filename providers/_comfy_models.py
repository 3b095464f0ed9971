"""Which models a ComfyUI has, and which of them is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers._answer import words
from providers._comfy_server import NotServed, Server
from providers.errors import Unsupported

DEFAULT_MODEL = "default"
"""The first one that the server lists."""

CHECKPOINT = ("CheckpointLoaderSimple", "ckpt_name")
"""The class of a node that loads a model, and the input that names it."""

SHOWN = 8
"""Models named when the one asked for is not there."""


async def listed(server: Server, loader: tuple[str, str] = CHECKPOINT) -> list[str]:
    """What the input of the node that `loader` names can be given."""
    if loader == CHECKPOINT:
        try:
            found = (await server.ask("models/checkpoints")).json()
            return [str(name) for name in found] if isinstance(found, list) else []
        except NotServed:
            pass  # an older server has no such path
    kind, name = loader
    found = (await server.ask(f"object_info/{kind}")).json()
    try:
        return _choices(found[kind]["input"]["required"][name])
    except (IndexError, KeyError, TypeError):
        return []


async def model_for(server: Server, model: str, loader: tuple[str, str] | None) -> str:
    """What to call `model` there. Raises Unsupported if the server does not have it. A workflow
    without a place for it brings its own.
    """
    if loader is None:
        return model
    there = await listed(server, loader)
    if not there and (loader == CHECKPOINT or model == DEFAULT_MODEL):
        raise none_there(server)
    if model == DEFAULT_MODEL:
        return there[0]
    if there and model not in there:
        names = words(_shown(there), *server.secrets)
        raise Unsupported(f"{server.host} has no model {model}; it has {names}")
    return model


def none_there(server: Server) -> Unsupported:
    return Unsupported(f"{server.host} has no model yet; put one into its models folder")


def _choices(declared: Any) -> list[str]:
    """Of an input: `[[choices], {…}]`, or `["COMBO", {"options": [choices]}]`."""
    choices = declared[0] if isinstance(declared[0], list) else declared[1]["options"]
    return [str(choice) for choice in choices] if isinstance(choices, list) else []


def _shown(models: Sequence[str]) -> str:
    more = f" and {len(models) - SHOWN} more" if len(models) > SHOWN else ""
    return ", ".join(models[:SHOWN]) + more
