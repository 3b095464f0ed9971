"""The AI Horde, over REST: volunteers' machines make the picture, for nothing and without a key.

Its SDK is AGPL and wants Python 3.12, so it is not used. Without a key the anonymous one is sent,
which waits longest and gets 1024×1024 at most. `options`: `steps` (20) where the request has none,
`client_agent`, and `poll_seconds` (2; the service answers from a cache of a second).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from providers._deadline import Late, before
from providers._hf_clients import refuse_odd
from providers._horde_job import body_of, is_over, notes_of, picture_in, progress_in, refuse_failure
from providers._rest import Api, Reply
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    Provider,
    Quota,
    SendsPromptTo,
    Traits,
)
from providers.errors import ProviderError, Unavailable

ANY_MODEL = "any"
TRAITS = Traits(
    needs_key=False,
    models=(Model(ANY_MODEL, Decimal(0)),),
    sends_prompt_to=SendsPromptTo("volunteers", "aihorde.net"),
)
ROOT = "https://aihorde.net/api/v2"
ANONYMOUS = "0000000000"
AGENT = "Freebrush:1:aihorde.net"
MISSES = 3
"""Answers after a job that may fail in a row before it is given up."""

STOP_SECONDS = 2.0


def create(entry: Entry) -> Provider:
    return AiHorde(entry)


class AiHorde:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._api = Api(entry, entry.base_url or ROOT)

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
        body = body_of(request, self._entry.options, ANY_MODEL)
        try:
            job = await before(deadline, self._begin(body, request.model, key))
            found = await before(deadline, self._wait(job, request.model, key, deadline, report))
        except Late as late:
            raise self._entry.lost(request.model, "the picture was not done in time") from late
        data, header, seed = picture_in(found, key)
        size = (header.width, header.height)
        cost = self._entry.usd(request.model)
        notes = tuple(notes_of(request, body, size))
        return Picture(data, header.media_type, *size, seed, cost, notes)

    async def check(self, *, key: str | None) -> Check:
        """With a key: whose is it, and how much kudos is left. Without: is the service there?"""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            refuse_odd(key)
            path = "find_user" if key else "status/heartbeat"
            reply = await before(deadline, self._ask("GET", path, key))
            refuse_failure(reply, key)
        except Late:
            return Check(False, "no answer in time")
        except ProviderError as error:
            return Check(False, error.reason)
        if not key:
            return Check(True, f"{self._api.host} answers, asked without a key")
        return Check(True, "the key is good", _kudos(reply))

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        key: str | None,
        body: dict[str, Any] | None = None,
        lost: Callable[[str], ProviderError] = Unavailable,
    ) -> Reply:
        agent = str(self._entry.options.get("client_agent") or AGENT)
        headers = {"apikey": key or ANONYMOUS, "client-agent": agent}
        return await self._api.ask(method, path, key=None, body=body, headers=headers, lost=lost)

    async def _begin(self, body: dict[str, Any], model: str, key: str | None) -> str:
        reply = await self._ask("POST", "generate/async", key, body, self._lost(model))
        refuse_failure(reply, key)
        job = reply.json().get("id") if isinstance(reply.json(), dict) else None
        if not isinstance(job, str) or not job.replace("-", "").isalnum():
            raise Unavailable("the answer names no job")
        return job

    async def _wait(
        self,
        job: str,
        model: str,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Any:
        """The finished job. Whatever ends the wait before, the job is taken back."""
        misses, pause = 0, float(self._entry.options.get("poll_seconds", 2))
        try:
            while True:
                await asyncio.sleep(pause)
                try:
                    reply = await self._ask("GET", f"generate/check/{job}", key)
                    refuse_failure(reply, key)
                    misses = 0
                except Unavailable as error:
                    misses += 1
                    if misses == MISSES:
                        raise self._entry.lost(model, f"the job was lost: {error}") from error
                    continue
                check = reply.json()
                if is_over(check, deadline - asyncio.get_running_loop().time()):
                    break
                report(progress_in(check))
            path = f"generate/status/{job}"
            reply = await self._ask("GET", path, key, lost=self._lost(model))
            refuse_failure(reply, key)
            return reply.json()
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(self._take_back(job, key)))
            raise

    def _lost(self, model: str) -> Callable[[str], ProviderError]:
        return lambda reason: self._entry.lost(model, reason)

    async def _take_back(self, job: str, key: str | None) -> None:
        with suppress(ProviderError, asyncio.TimeoutError):
            asked = self._ask("DELETE", f"generate/status/{job}", key)
            await asyncio.wait_for(asked, STOP_SECONDS)


def _kudos(reply: Reply) -> Quota | None:
    user = reply.json()
    kudos = user.get("kudos") if isinstance(user, dict) else None
    if not isinstance(kudos, (int, float)):
        return None
    return Quota(Decimal(str(kudos)), None, "kudos", None, datetime.now(timezone.utc))
