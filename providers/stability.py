"""Stability AI: the models of its REST API v2beta, which no SDK serves, and over gRPC through the
official SDK the one that this still serves. The model decides which way.

`base_url` is the REST API's root; `options.grpc_host` is `host:port` of the other, to which the key
is sent on port 443 only. No call takes a job back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from providers import _stability_order as orders
from providers import _stability_rest as rest
from providers._deadline import Late, before
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._rest import Api
from providers._stability_grpc import HOST, Call
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    Quota,
    SendsPromptTo,
    Traits,
)
from providers.errors import NotConfigured, ProviderError, Unavailable, Unsupported

TRAITS = Traits(
    stoppable=False,
    models=(Model("core"),),
    sends_prompt_to=SendsPromptTo("company", "api.stability.ai"),
)
ROOT = "https://api.stability.ai"
MAX_THREADS = 8

Report = Callable[[Progress], None]
Notes = Callable[[tuple[int, int]], Iterable[str]]
"""What to say of a picture of that size."""


def create(entry: Entry) -> Stability:
    return Stability(entry)


class Stability:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._api = Api(entry, entry.base_url or ROOT)
        self._grpc_host = str(entry.options.get("grpc_host") or HOST)
        self._threads: ThreadPoolExecutor | None = None

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        key = _needed(key)
        if request.model in rest.PATHS:
            made, notes = await self._over_rest(request, key, deadline, report)
        elif request.model == orders.ENGINE:
            made, notes = await self._over_grpc(request, key, deadline, report)
        else:
            raise Unsupported(f"Stability has no model {request.model} that we know")
        try:
            header = read_header(made.data)
        except Unavailable as error:  # made and paid for it is
            raise self._entry.lost(request.model, error.reason) from error
        size = header.width, header.height
        return Picture(
            made.data,
            header.media_type,
            *size,
            made.seed,
            self._entry.usd(request.model),
            tuple(notes(size)),
        )

    async def check(self, *, key: str | None) -> Check:
        """What is left of the account's credits; a credit is a cent."""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            key = _needed(key)
            reply = await before(deadline, self._api.ask("GET", "v1/user/balance", key=key))
            if reply.status != 200:
                raise rest.failure_of(reply, key)
            left = rest.credits_in(reply)
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        quota = Quota(left, None, "credits", None, datetime.now(timezone.utc))
        return Check(True, f"the key is good; {left:f} credits are left", quota)

    async def aclose(self) -> None:
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
        await self._api.aclose()

    async def _over_rest(
        self, request: PictureRequest, key: str, deadline: float, report: Report
    ) -> tuple[rest.Made, Notes]:
        form = rest.form_of(request)
        asking = self._api.ask(
            "POST",
            f"v2beta/stable-image/generate/{rest.PATHS[request.model]}",
            key=key,
            form=form,
            headers={"accept": "image/*"},
            lost=lambda reason: self._entry.lost(request.model, reason),
        )
        report(Progress(words=f"asking {self._api.host}"))
        try:
            made = rest.made_of(await before(deadline, asking), request, key)
        except Late as late:
            raise self._entry.lost(request.model, "no answer in time") from late
        return made, lambda size: rest.notes_of(request, form, made.seed, size)

    async def _over_grpc(
        self, request: PictureRequest, key: str, deadline: float, report: Report
    ) -> tuple[rest.Made, Notes]:
        order, loop = orders.order_of(request), asyncio.get_running_loop()
        call = Call(self._grpc_host, key, self._entry.connect_timeout)
        ends = time.monotonic() + deadline - loop.time()

        def lost(reason: str) -> ProviderError:
            return self._entry.lost(request.model, reason)

        async def run() -> rest.Made:
            self._threads = self._threads or ThreadPoolExecutor(MAX_THREADS, "stability")
            return await loop.run_in_executor(self._threads, call.run, order, ends, lost)

        report(Progress(words=f"asking {self._grpc_host}"))
        try:
            made = await before(deadline, run())
        except Late as late:
            if not call.sent:
                raise Unavailable("there was no time left to ask") from late
            raise lost("no answer in time") from late
        finally:
            call.cut()
        return made, lambda size: orders.notes_of(request, order, made.seed, size)


def _needed(key: str | None) -> str:
    if not key:
        raise NotConfigured("no key")
    refuse_odd(key)
    return key
