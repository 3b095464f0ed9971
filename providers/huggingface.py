"""Hugging Face Inference Providers through the official SDK, huggingface_hub.

Without `base_url` the router at Hugging Face is asked (`options.provider` names the company that
is to make the picture, or `auto`); with it, the one model that answers there in the format of
hf-inference, such as an own Inference Endpoint. `options.bill_to` names a paying organisation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from providers._answer import address
from providers._deadline import Late, before
from providers._header import read_header
from providers._hf_account import credit_of, owner_of
from providers._hf_clients import Clients, prepare_sdk, refuse_odd
from providers._hf_errors import translate
from providers._hf_retired import RETIRED
from providers._hf_route import Route, Routes
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
from providers.errors import NotConfigured, ProviderError, Unreachable, Unsupported

TRAITS = Traits(
    stoppable=False,
    models=(Model("black-forest-labs/FLUX.1-schnell"),),
    sends_prompt_to=SendsPromptTo("company", "huggingface.co"),
    retired=RETIRED,
)


def create(entry: Entry) -> HuggingFace:
    return HuggingFace(entry)


class HuggingFace:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._routes = Routes(entry)
        self._clients = Clients(entry)

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        refuse_odd(key)
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        await asyncio.to_thread(prepare_sdk, self._entry.connect_timeout)
        route = await self._route(request.model, key, deadline)
        if route.model:
            report(Progress(words=route.company))
        data = await self._ask(request, route, key, deadline)
        header = read_header(data)
        return Picture(
            data,
            header.media_type,
            header.width,
            header.height,
            request.seed,
            self._entry.usd(request.model),
            tuple(_notes(request, route.company, header.width, header.height)),
        )

    async def check(self, *, key: str | None) -> Check:
        """With a key: does the hub know its owner, and what is left of this month's credit? With
        `base_url`: does anybody answer there?
        """
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            return await before(deadline, self._check(key))
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        except Exception as error:
            return Check.failed(translate(error, self._entry, "", key, sent=False))

    async def _check(self, key: str | None) -> Check:
        refuse_odd(key)
        if self._entry.base_url:
            return await _connect(self._entry.base_url, self._entry.connect_timeout)
        if not key:
            raise NotConfigured("no key")
        if not key.startswith("hf_"):
            return Check(True, "not checked: the key is not Hugging Face's own")
        await asyncio.to_thread(prepare_sdk, self._entry.connect_timeout)
        owner, credit = await asyncio.gather(
            asyncio.to_thread(owner_of, key), asyncio.to_thread(credit_of, key)
        )
        return Check(True, f"the key is {owner}'s", credit)

    async def aclose(self) -> None:
        await self._clients.aclose()

    async def _route(self, model: str, key: str | None, deadline: float) -> Route:
        if self._entry.base_url:
            return Route(address(self._entry.base_url), None)
        if model in RETIRED:  # at an address of the user's own it may well live on
            raise Unsupported(f"{model} is no longer served; {RETIRED[model]} replaces it")
        if not key:
            raise NotConfigured("no key")
        return await self._routes.find(model, key, deadline)

    async def _ask(
        self, request: PictureRequest, route: Route, key: str | None, deadline: float
    ) -> bytes:
        """The bytes of the picture as they came. The SDK opens them with Pillow, which reads the
        header and no more; the file below still holds them all.
        """
        async with self._clients.take(key, route.company) as client:
            work = client.text_to_image(
                request.prompt,
                negative_prompt=request.negative_prompt or None,
                width=request.width,
                height=request.height,
                num_inference_steps=request.steps,
                guidance_scale=request.guidance,
                seed=request.seed,
                model=route.model,
            )
            try:
                image: Any = await before(deadline, work)
            except Late as late:
                raise self._entry.lost(request.model, "no answer in time") from late
            except ProviderError:
                raise
            except Exception as error:
                raise translate(error, self._entry, request.model, key, sent=True) from error
            data: bytes = image.fp.getvalue()
            return data


async def _connect(url: str, seconds: float) -> Check:
    """Whether a connection to the host of `url` can be made; nothing is sent."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        opening = asyncio.open_connection(parts.hostname, port)
        _, writer = await before(asyncio.get_running_loop().time() + seconds, opening)
    except (OSError, Late) as error:
        raise Unreachable(f"nobody answers at {address(url)}") from error
    writer.close()
    return Check(True, f"{address(url)} answers")


def _notes(request: PictureRequest, company: str, width: int, height: int) -> Iterator[str]:
    if request.steps is not None and company == "nscale":
        yield "steps ignored by nscale"
    if (width, height) != (request.width, request.height):
        yield f"made {width}×{height} instead of {request.width}×{request.height}"
