"""A Gradio Space on Hugging Face, ZeroGPU above all, through the official SDK, gradio_client.

It is paid in seconds of GPU, of which everybody has some each day: without a key those of this
machine's address, with one (a Hugging Face token) those of its owner. `options.spaces` says how to
call the Space behind each model (`_space_call.py`); `base_url` is the address of the one Space to
ask, and then the hub is not asked where it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

from providers._answer import address
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._gradio_clients import Clients, Held, import_sdk
from providers._gradio_errors import translate
from providers._gradio_job import finish, submit
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._sides import size_notes
from providers._space_call import call_of, picture_in, seed_in, space_of
from providers._space_check import knock, quota_of
from providers.base import (
    Check,
    Entry,
    Picture,
    PictureRequest,
    Progress,
    SendsPromptTo,
    Traits,
)
from providers.errors import NotConfigured, ProviderError, Spoilt, Unreachable

TRAITS = Traits(needs_key=False, sends_prompt_to=SendsPromptTo("company", "huggingface.co"))


def create(entry: Entry) -> ZeroGpu:
    return ZeroGpu(entry)


class ZeroGpu:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
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
        sent = asyncio.Event()
        try:
            return await before(deadline, self._make(request, key, deadline, report, sent))
        except Late as late:
            if sent.is_set():
                raise self._entry.lost(request.model, "the picture was not done in time") from late
            raise Unreachable("the Space did not answer in time") from late

    async def check(self, *, key: str | None) -> Check:
        """Does the Space of the first model answer? With a key: what is left of its GPU time?"""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            return await before(deadline, self._check(key))
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)

    async def aclose(self) -> None:
        await self._clients.aclose()

    async def _make(
        self,
        request: PictureRequest,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
        sent: asyncio.Event,
    ) -> Picture:
        space = space_of(self._entry.options, request.model)
        call = call_of(space, request)
        await self._clients.in_thread(import_sdk, self._entry.connect_timeout)
        target = self._entry.base_url or space.name
        async with self._clients.take(target, key, deadline) as held:
            job = submit(held, space.api_name, call.arguments)
            sent.set()
            done = await finish(held, job, self._clients, report)
            if failed := done.exception():
                host = address(held.client.src)
                raise translate(failed, self._entry, request.model, host, key) from failed
            result = done.result()
            path = picture_in(result)
            if path is None:
                raise Spoilt("the answer of the Space holds no picture")
            url = f"{held.client.src_prefixed}file={quote(path, safe='/')}"
            headers = _headers(held)
        data = await fetch_picture(url, self._entry, request.model, deadline, headers)
        header = read_header(data)
        size = (header.width, header.height)
        used = seed_in(result)
        return Picture(
            data,
            header.media_type,
            *size,
            call.seed if used is None or call.seed is None else used,
            self._entry.usd(request.model),
            (*size_notes((request.width, request.height), call.size, size), *call.notes),
        )

    async def _check(self, key: str | None) -> Check:
        refuse_odd(key)
        if not self._entry.models:
            raise NotConfigured("the entry names no model")
        space = space_of(self._entry.options, self._entry.models[0].id)
        await self._clients.in_thread(import_sdk, self._entry.connect_timeout)
        url = await self._clients.find(self._entry.base_url or space.name, key)
        await knock(url, space.api_name, key, self._entry)
        quota = None
        if key and not self._entry.base_url:
            quota = await self._clients.in_thread(quota_of, key)
        return Check(True, f"{address(url)} answers", quota)


def _headers(held: Held) -> dict[str, str]:
    """For the picture, which lies on the machine that the Space's cookies lead to. Its address is
    made here, from the one that the SDK has sent the same headers to.
    """
    headers = {name: value for name, value in held.client.headers.items() if name.startswith("x-")}
    cookies = "; ".join(f"{name}={value}" for name, value in held.client.cookies.items())
    return headers | ({"cookie": cookies} if cookies else {})
