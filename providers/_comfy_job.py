"""A job of ComfyUI's: a graph handed in, followed through its queue, and taken back if need be."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from providers._comfy_ear import Ear, listening
from providers._comfy_end import failure_in, refuse_failure
from providers._comfy_queue import entry_of, place_of, take_back
from providers._comfy_server import Server
from providers.base import Progress
from providers.errors import (
    ProviderError,
    Spoilt,
    Unavailable,
)

MISSES = 3
"""Answers after a job that may fail in a row before it is given up."""

_ENDS = ("execution_error", "execution_interrupted")


class Job:
    """`lost` makes the error for a job that was taken and not heard of again."""

    def __init__(
        self,
        server: Server,
        graph: Mapping[str, Any],
        report: Callable[[Progress], None],
        lost: Callable[[str], ProviderError],
    ) -> None:
        self._server = server
        self._graph = graph
        self._report = report
        self._lost = lost
        self._id = str(uuid.uuid4())
        self._client = uuid.uuid4().hex
        self._misses = 0

    async def run(self, connect_seconds: float) -> Mapping[str, Any]:
        """Its entry in the history, once it has succeeded. The server hears of us first, so that
        it tells us of the job from its beginning. Cancelled, the job is taken back as well, which
        hanging up would not do.
        """
        async with listening(self._server, self._client, connect_seconds) as ear:
            try:
                await self._hand_in()
                entry = await self._follow(ear)
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.create_task(take_back(self._server, self._id)))
                raise
        refuse_failure(entry, self._server)
        return entry

    async def _hand_in(self) -> None:
        """The id is drawn here, to be able to stop a job whose answer has not come; older servers
        give their own.
        """
        body = {"prompt": self._graph, "client_id": self._client, "prompt_id": self._id}
        answer = (await self._server.ask("prompt", body, seconds=None, lost=self._lost)).json()
        job = answer.get("prompt_id") if isinstance(answer, Mapping) else None
        if not isinstance(job, str) or not job:
            raise Spoilt("the answer names no job")
        self._id = job

    async def _follow(self, ear: Ear) -> Mapping[str, Any]:
        """Messages tell how far it is and when to look; what came of it, the history tells."""
        begun = False
        while True:
            message = await ear.next()
            kind, data = _parts(message or {})
            mine = data.get("prompt_id") == self._id
            if mine and kind in _ENDS:
                raise failure_in(kind, data, self._server)
            if mine:
                begun = True
                self._tell(kind, data)
            over = mine and (kind == "execution_success" or _is_last(kind, data))
            moved = kind == "status" and not begun
            if message is None or over or moved:
                entry = await self._look()
                if entry is not None:
                    return entry

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "progress":
            value, most = data.get("value"), data.get("max")
            if isinstance(value, (int, float)) and isinstance(most, (int, float)) and most > 0:
                fraction = min(1.0, max(0.0, value / most))
                self._report(Progress(fraction, words=f"step {value} of {most}"))
        elif kind == "executing" and data.get("node"):
            node = self._graph.get(str(data["node"]))
            self._report(Progress(words=str(node["class_type"]) if node else "running"))

    async def _look(self) -> Mapping[str, Any] | None:
        """Its entry in the history; None while it waits or runs. Raises Unavailable if it is in
        neither place: then somebody has taken it out, and no message says so.
        """
        try:
            entry = await entry_of(self._server, self._id)
            there = entry is not None or await self._in_queue()
            if not there:  # it may have ended between the two questions
                entry = await entry_of(self._server, self._id)
        except ProviderError as error:
            self._misses += 1
            if self._misses == MISSES:
                await take_back(self._server, self._id)
                raise self._lost(f"the job was lost: {error}") from error
            return None
        self._misses = 0
        if not there and entry is None:
            raise Unavailable(f"the job was taken out of the queue at {self._server.host}")
        return entry

    async def _in_queue(self) -> bool:
        place = await place_of(self._server, self._id)
        if place:
            self._report(Progress(queue_place=place, words="waiting"))
        return place is not None


def _parts(message: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    data = message.get("data")
    return str(message.get("type")), data if isinstance(data, Mapping) else {}


def _is_last(kind: str, data: Mapping[str, Any]) -> bool:
    return kind == "executing" and "node" in data and data["node"] is None
