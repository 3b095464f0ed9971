"""Replicate through its official SDK: a prediction is created, looked after, and its picture
fetched without the token.

An official model is called by its name; one of the community by a version, which `options.versions`
names for it: an id, or `latest`, which is asked for once. What each model takes stands in
`options.inputs` (see `_replicate_inputs.py`). Replicate tells nobody what is left of the credit.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from providers._answer import address, words
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._replicate_inputs import inputs_of
from providers._replicate_job import Job
from providers._replicate_sdk import Sdk, load
from providers._replicate_versions import Versions
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
from providers.errors import NotConfigured, ProviderError, Unavailable, Unreachable, Unsupported

TRAITS = Traits(
    models=(Model("black-forest-labs/flux-schnell"),),
    sends_prompt_to=SendsPromptTo("company", "replicate.com"),
)
ROOT = "https://api.replicate.com"


def create(entry: Entry) -> Replicate:
    return Replicate(entry)


class Replicate:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._root = entry.base_url or ROOT
        self._host = address(self._root)
        self._open: httpx.AsyncClient | None = None
        self._versions = Versions(entry.options.get("versions"))

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        loop, model = asyncio.get_running_loop(), request.model
        deadline = min(deadline, loop.time() + self._entry.timeout)
        key = _needed(key)
        inputs = inputs_of(request, self._entry.options)
        try:
            await before(deadline, load())
            # Should we and our deadline be gone, Replicate ends it (its changelog of 2025-10-16).
            minutes = max(1, math.ceil((deadline - loop.time()) / 60))
            sdk = self._sdk(key, {"cancel-after": f"{minutes}m"})
        except Late as late:
            raise Unavailable("there was no time left to ask") from late
        job = Job(sdk, self._entry, model, key, report)
        try:
            url = await before(deadline, self._make(sdk, job, model, inputs.sent))
        except Late as late:
            if not job.asked:
                raise Unreachable(f"{self._host} did not answer in time") from late
            raise self._entry.lost(model, "the picture was not done in time") from late
        data = await fetch_picture(url, self._entry, model, deadline)
        try:
            header = read_header(data)
        except Unavailable as error:  # made and paid for it is
            raise self._entry.lost(model, error.reason) from error
        made = header.width, header.height
        return Picture(
            data,
            header.media_type,
            *made,
            inputs.seed,
            self._entry.usd(model),
            tuple(inputs.notes(made)),
        )

    async def check(self, *, key: str | None) -> Check:
        """Whose the token is."""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            key = _needed(key)
            await before(deadline, load())
            asking = self._sdk(key, {}).ask(lambda client: client.accounts.async_current())
            name = (await before(deadline, asking)).get("username")
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        if not isinstance(name, str) or not name:
            return Check(False, f"{self._host} answers, but not as it should")
        return Check(True, f"the token is {words(name, key)}'s")

    async def aclose(self) -> None:
        if self._open:
            await self._open.aclose()
            self._open = None

    def _sdk(self, key: str, headers: Mapping[str, str]) -> Sdk:
        if not self._open:
            timeout = httpx.Timeout(self._entry.timeout, connect=self._entry.connect_timeout)
            self._open = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
        return Sdk(self._open, self._root, self._host, key, headers)

    async def _make(self, sdk: Sdk, job: Job, model: str, sent: Mapping[str, Any]) -> str:
        version = await self._versions.of(model, sdk)
        which = {"version": version} if version else {"model": model}

        def create(client: Any) -> Awaitable[Any]:
            prediction: Awaitable[Any] = client.predictions.async_create(
                **which, input=dict(sent), wait=False
            )
            return prediction

        try:
            return await job.run(create)
        except Unsupported:
            self._versions.forget(model)
            raise


def _needed(key: str | None) -> str:
    if not key:
        raise NotConfigured("no key")
    refuse_odd(key)
    return key
