"""What became of a job of ComfyUI's, by its entry in the history. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from providers._answer import words
from providers._comfy_server import Server
from providers.errors import Unavailable


def failure_in(kind: str, data: Mapping[str, Any], server: Server) -> Unavailable:
    """The error that a message `execution_error` or `execution_interrupted` stands for."""
    if kind == "execution_interrupted":
        return Unavailable(f"the job was interrupted at {server.host} before it was done")
    where = words(str(data.get("node_type") or "the workflow"), *server.secrets)
    fault = str(data.get("exception_type") or "").rpartition(".")[2]
    if fault == "OutOfMemoryError":
        return Unavailable(f"{server.host} ran out of memory in {where}")
    said = ": ".join(filter(None, (fault, str(data.get("exception_message") or ""))))
    return Unavailable(f"{where} failed: {words(said, *server.secrets) or 'no reason said'}")


def refuse_failure(entry: Mapping[str, Any], server: Server) -> None:
    """Raise what a job that did not succeed means; only a message tells which kind it is."""
    status = entry.get("status")
    if not isinstance(status, Mapping):
        return
    for kind, data in _messages(status):
        if kind in ("execution_error", "execution_interrupted"):
            raise failure_in(kind, data, server)
    if status.get("status_str") == "error":
        raise Unavailable(f"the job failed at {server.host}")


def view_of(entry: Mapping[str, Any]) -> str:
    """The path of the first picture: of one that the workflow saves, or else of a preview."""
    images = list(_images(entry.get("outputs")))
    if not images:
        raise Unavailable("the job ended without a picture; its workflow must end in SaveImage")
    image = next((image for image in images if image.get("type") == "output"), images[0])
    names = ("filename", "subfolder", "type")
    query = {name: str(image.get(name) or "") for name in names}
    return "view?" + urlencode(query, quote_via=quote)


def _messages(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for message in status.get("messages") or []:
        if isinstance(message, list) and len(message) == 2 and isinstance(message[1], Mapping):
            yield str(message[0]), message[1]


def _images(outputs: Any) -> Iterator[Mapping[str, Any]]:
    for node in outputs.values() if isinstance(outputs, Mapping) else ():
        for image in (node.get("images") or []) if isinstance(node, Mapping) else ():
            if isinstance(image, Mapping) and image.get("filename"):
                yield image
