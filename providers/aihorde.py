"""The AI Horde, over REST: volunteers' machines make the picture, for nothing and without a key.

Its SDK is AGPL and wants Python 3.12, so it is not used. Without a key the anonymous one is sent,
which waits longest and gets 1024×1024 at most. `options`: `steps` (20) where the request has none,
`client_agent`, `poll_seconds` (2), `longest_wait` (120 s in the queue, as the first looks have it),
and `request`, which adds to what is posted: `{r2: true}` has the picture fetched as it was made,
where the answer else holds it compressed once more; `{allow_downgrade: true}` has it made smaller
at busy times instead of refused for want of kudos.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from providers._answer import words
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._header import read_header
from providers._horde_job import ANY_MODEL, body_of, decoded, made_in, notes_of, seed_of
from providers._horde_queue import Queue
from providers._rest import Api
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
from providers.errors import ProviderError

TRAITS = Traits(
    needs_key=False,
    models=(Model(ANY_MODEL, Decimal(0)),),
    sends_prompt_to=SendsPromptTo("volunteers", "aihorde.net"),
)
ROOT = "https://aihorde.net/api/v2"


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
        entry, queue = self._entry, Queue(self._api, self._entry, key)
        deadline = min(deadline, asyncio.get_running_loop().time() + entry.timeout)
        body = body_of(request, entry.options)
        try:
            done = await before(deadline, queue.make(body, request.model, deadline, report))
        except Late as late:
            raise entry.lost(request.model, "the picture was not done in time") from late
        made = made_in(done)
        image = str(made.get("img") or "")
        if image.startswith(("http:", "https:")):
            data = await fetch_picture(image, entry, request.model, deadline)
        else:
            data = decoded(image)
        header = read_header(data)
        size = (header.width, header.height)
        cost = entry.usd(request.model)
        notes = tuple(notes_of(request, body, made, size, key))
        return Picture(data, header.media_type, *size, seed_of(made), cost, notes)

    async def check(self, *, key: str | None) -> Check:
        """With a key: whose is it, and how much kudos is left. Without: is the service there?"""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            path = "find_user" if key else "status/heartbeat"
            asked = Queue(self._api, self._entry, key).ask("GET", path)
            reply = await before(deadline, asked)
            if not key:
                return Check(True, f"{self._api.host} answers, asked without a key")
            user: Any = reply.json()
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        name = words(str(user.get("username") or ""), key) if isinstance(user, dict) else ""
        return Check(True, f"the key of {name}" if name else "the key is good", _kudos(user))

    async def aclose(self) -> None:
        await self._api.aclose()


def _kudos(user: Any) -> Quota | None:
    kudos = user.get("kudos") if isinstance(user, dict) else None
    if not isinstance(kudos, (int, float)):
        return None
    return Quota(Decimal(str(kudos)), None, "kudos", None, datetime.now(timezone.utc))
