"""AUTOMATIC1111, Forge and stable-diffusion.cpp, through their REST API: there is no SDK.

`base_url` is the server's root; the key is `user:password` of its `--api-auth`. `options`: `steps`
(where the request has none), `sampler_name`, `scheduler`. The model `default` is what is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx

from providers._answer import words
from providers._deadline import Late, before
from providers._sdapi import NotServed, Server
from providers._sdapi_progress import Watch
from providers._sdapi_txt2img import DEFAULT_MODEL, body_of, model_names, picture_of, titles
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
from providers.errors import ProviderError, Unavailable, Unsupported

TRAITS = Traits(
    needs_key=False,
    needs_address=True,
    models=(Model(DEFAULT_MODEL, Decimal(0)),),
    sends_prompt_to=SendsPromptTo("nowhere"),
)
QUICK_SECONDS = 5.0
"""For what a server answers in milliseconds even while it paints."""

STOP_SECONDS = 2.0
SHOWN = 8
"""Models named when the one asked for is not there."""


def create(entry: Entry) -> Automatic1111:
    return Automatic1111(entry)


class Automatic1111:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._open: httpx.AsyncClient | None = None

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        server = Server(self._http(), self._entry, key)
        try:
            return await before(deadline, self._make(server, request, report))
        except Late as late:
            raise self._entry.lost(request.model, f"{server.host} was not done in time") from late

    async def check(self, *, key: str | None) -> Check:
        """What is loaded, and how many models there are."""
        try:
            server = Server(self._http(), self._entry, key)
            models = titles(await server.ask("sd-models", seconds=QUICK_SECONDS))
            loaded = ""
            with suppress(ProviderError, AttributeError):
                options = await server.ask("options", seconds=QUICK_SECONDS)
                loaded = str(options.get("sd_model_checkpoint") or "")
        except ProviderError as error:
            return Check.failed(error)
        count = "1 model" if len(models) == 1 else f"{len(models)} models"
        return Check(True, f"{count}, {loaded} loaded" if loaded else count)

    async def aclose(self) -> None:
        if self._open:
            await self._open.aclose()
            self._open = None

    def _http(self) -> httpx.AsyncClient:
        """No connection is used twice: after a 500 these servers close it without a word."""
        if not self._open:
            self._open = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
        return self._open

    async def _make(
        self, server: Server, request: PictureRequest, report: Callable[[Progress], None]
    ) -> Picture:
        names = await _names(server, request.model)
        watch = Watch(server, report)
        answer = await self._paint(server, request, watch)
        if watch.interrupted:
            raise Unavailable(f"the picture was interrupted at {server.host} before it was done")
        options, cost = self._entry.options, self._entry.usd(request.model)
        return picture_of(answer, request, options, names, cost)

    async def _paint(self, server: Server, request: PictureRequest, watch: Watch) -> Any:
        """The answer to the job. Cancelled, it stops the job too, which hanging up would not; the
        API stops whatever is running there, for it has no names for jobs.
        """
        watching = asyncio.create_task(watch.run())
        try:
            answer = await server.ask(
                "txt2img",
                body_of(request, self._entry.options),
                post=True,
                lost=lambda reason: self._entry.lost(request.model, reason),
            )
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(_stop(server)))
            raise
        finally:
            watching.cancel()
        await watch.look()
        return answer


async def _names(server: Server, model: str) -> Collection[str]:
    """The names under which the server knows `model`. Raises Unsupported if it does not: asked for
    an unknown one it would silently take the one that is loaded.
    """
    if model == DEFAULT_MODEL:
        return ()
    try:
        listed = await server.ask("sd-models", seconds=QUICK_SECONDS)
    except NotServed:
        return (model,)
    names = model_names(model, listed)
    if names is None:
        there = words(", ".join(titles(listed)[:SHOWN])) or "none"
        raise Unsupported(f"{server.host} has no model {model}; it has {there}")
    return names


async def _stop(server: Server) -> None:
    with suppress(ProviderError):
        await server.ask("interrupt", post=True, seconds=STOP_SECONDS)
