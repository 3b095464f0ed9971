"""Cloudflare Workers AI, through its REST API: its SDK would add nothing to the one call.

The key is an API token with the permission Workers AI; the account's id comes from the environment
variable that `options.account_env` names. flux-1-schnell takes a prompt of up to 2,048 characters
and `steps`, and makes 1024×1024 whatever is asked for. The examples on its page send a `seed`, its
schema knows none and allows nothing beside (developers.cloudflare.com/workers-ai/models/
flux-1-schnell; cloudflare-docs, src/content/workers-ai-models/flux-1-schnell.json), so a seed is
sent only with `options.seed: true`. Other options: `max_steps` (8) and `side` (1024).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from providers._deadline import Late, before
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._rest import Api
from providers._sides import refuse_other_shape, size_notes
from providers._workers_ai import failure_in, is_success, picture_in
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
from providers.errors import NotConfigured, ProviderError

TRAITS = Traits(
    stoppable=False,
    models=(Model("@cf/black-forest-labs/flux-1-schnell"),),
    sends_prompt_to=SendsPromptTo("company", "api.cloudflare.com"),
)
ROOT = "https://api.cloudflare.com/client/v4"
ACCOUNT_ENV = "CLOUDFLARE_ACCOUNT_ID"
MAX_STEPS = 8
SIDE = 1024


def create(entry: Entry) -> Cloudflare:
    return Cloudflare(entry)


class Cloudflare:
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
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        refuse_other_shape((request.width, request.height), self._size)
        path = f"{self._account(key)}/ai/run/{quote(request.model, safe='@/')}"
        asking = self._api.ask(
            "POST",
            path,
            key=key,
            body=self._body(request),
            lost=lambda reason: self._entry.lost(request.model, reason),
        )
        report(Progress(words=f"asking {self._api.host}"))
        try:
            reply = await before(deadline, asking)
        except Late as late:
            raise self._entry.lost(request.model, "no answer in time") from late
        data = picture_in(reply, key)
        header = read_header(data)
        size = (header.width, header.height)
        return Picture(
            data,
            header.media_type,
            *size,
            request.seed if self._entry.options.get("seed") else None,
            self._entry.usd(request.model),
            tuple(self._notes(request, size)),
        )

    async def check(self, *, key: str | None) -> Check:
        """Asks for the list of models, for which account, token and permission must be right.
        Nobody can be asked what is left of the day's neurons.
        """
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            path = f"{self._account(key)}/ai/models/search?per_page=1"
            reply = await before(deadline, self._api.ask("GET", path, key=key))
            if reply.status != 200 or not is_success(reply.json()):
                raise failure_in(reply, key)
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        return Check(True, "the token may use Workers AI")

    async def aclose(self) -> None:
        await self._api.aclose()

    @property
    def _size(self) -> tuple[int, int]:
        side = int(self._entry.options.get("side", SIDE))
        return side, side

    def _account(self, key: str | None) -> str:
        """The path of the account. Raises NotConfigured if it, or the key, is missing."""
        if not key:
            raise NotConfigured("no key")
        refuse_odd(key)
        variable = str(self._entry.options.get("account_env") or ACCOUNT_ENV)
        account = os.environ.get(variable, "").strip()
        if not account:
            raise NotConfigured(f"no account: set {variable} to the id of your Cloudflare account")
        return f"accounts/{quote(account, safe='')}"

    def _steps(self, request: PictureRequest) -> int | None:
        most = int(self._entry.options.get("max_steps", MAX_STEPS))
        return None if request.steps is None else min(request.steps, most)

    def _body(self, request: PictureRequest) -> dict[str, Any]:
        body = {"prompt": request.prompt, "steps": self._steps(request)}
        if self._entry.options.get("seed"):
            body["seed"] = request.seed
        return {name: value for name, value in body.items() if value is not None}

    def _notes(self, request: PictureRequest, size: tuple[int, int]) -> Iterator[str]:
        yield from size_notes((request.width, request.height), self._size, size)
        if request.negative_prompt:
            yield "negative prompt ignored by cloudflare"
        if not self._entry.options.get("seed"):
            yield "seed ignored by cloudflare"
        if request.guidance is not None:
            yield "guidance ignored by cloudflare"
        if (steps := self._steps(request)) != request.steps:
            yield f"{request.steps} steps lowered to {steps}"
