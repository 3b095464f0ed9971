"""ComfyUI, through its HTTP API and its websocket: there is no SDK.

`base_url` is the server's root. `options`: `workflow`, a file in API format with places to fill in
(`_comfy_graph`), in place of our text-to-image graph; `steps` and `guidance` where the request has
none; `sampler_name` and `scheduler` of our graph. The model `default` is the first that is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from providers._answer import words
from providers._comfy_ear import import_sdk
from providers._comfy_end import view_of
from providers._comfy_graph import (
    Graph,
    default_graph,
    filled,
    ignored,
    loader_in,
    places_in,
    size_of,
)
from providers._comfy_job import Job
from providers._comfy_models import CHECKPOINT, DEFAULT_MODEL, listed, model_for, none_there
from providers._comfy_server import Server
from providers._comfy_workflow import load_graph
from providers._deadline import Late, before
from providers._header import read_header
from providers._rest import Api
from providers._sides import size_notes
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    SendsPromptTo,
    Traits,
)
from providers.errors import ProviderError

TRAITS = Traits(
    needs_key=False,
    needs_address=True,
    models=(Model(DEFAULT_MODEL, Decimal(0)),),
    sends_prompt_to=SendsPromptTo("nowhere"),
)


def create(entry: Entry) -> ComfyUI:
    return ComfyUI(entry)


class ComfyUI:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._api = Api(entry, entry.base_url or "")

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        server = Server(self._api, self._entry, key)
        try:
            return await before(deadline, self._make(server, request, report))
        except Late as late:
            raise self._entry.lost(request.model, f"{server.host} was not done in time") from late

    async def check(self, *, key: str | None) -> Check:
        """Which version it is, on what it runs, and how many checkpoints there are."""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        try:
            server = Server(self._api, self._entry, key)
            deadline = asyncio.get_running_loop().time() + wait
            return Check(True, await before(deadline, self._about(server)))
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _make(
        self, server: Server, request: PictureRequest, report: Callable[[Progress], None]
    ) -> Picture:
        await asyncio.to_thread(import_sdk)
        entry, graph = self._entry, await self._graph()
        places = places_in(graph)
        size = size_of(request, places)
        model = await model_for(server, request.model, loader_in(graph))
        job = Job(
            server,
            filled(graph, request, size, model, entry.options),
            report,
            lambda reason: entry.lost(request.model, reason),
        )
        done = await job.run(entry.connect_timeout)
        data = await self._view(server, view_of(done), request.model)
        header = read_header(data)
        made = (header.width, header.height)
        return Picture(
            data,
            header.media_type,
            *made,
            request.seed if "seed" in places else None,
            entry.usd(request.model),
            (*size_notes((request.width, request.height), size, made), *ignored(request, places)),
        )

    async def _graph(self) -> Graph:
        name = self._entry.options.get("workflow")
        if name:
            return await asyncio.to_thread(load_graph, str(name))
        return default_graph(self._entry.options)

    async def _view(self, server: Server, path: str, model: str) -> bytes:
        """The picture is made by now, so that whatever goes wrong is `entry.lost`. It comes by the
        server's own API from the address that the owner gave, so that there is nothing to guard.
        """
        try:
            return (await server.ask(path, seconds=None)).body
        except ProviderError as error:
            raise self._entry.lost(model, f"the picture did not come: {error}") from error

    async def _about(self, server: Server) -> str:
        loader = loader_in(await self._graph())
        stats: Any = (await server.ask("system_stats")).json()
        models = await listed(server)
        if not models and loader == CHECKPOINT:
            raise none_there(server)
        count = "1 checkpoint" if len(models) == 1 else f"{len(models)} checkpoints"
        try:
            version, device = stats["system"]["comfyui_version"], stats["devices"][0]["name"]
        except (IndexError, KeyError, TypeError):
            return count
        return words(f"ComfyUI {version} on {device}, {count}", *server.secrets)
