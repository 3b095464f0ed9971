"""ModelScope's API-Inference, over REST: it has no SDK. A task is posted, then asked after.

`base_url` ends in `/v1`. Sizes differ from model to model: `options.sides` maps a model to what its
documentation allows (`{min: 512, max: 2048, step: 16}`). No call takes a task back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from providers._answer import words
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._modelscope_task import (
    address_in,
    body_of,
    mapping_in,
    notes_of,
    quota_in,
    refuse_failure,
    said_in,
)
from providers._rest import Api
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
from providers.errors import (
    NotConfigured,
    ProviderError,
    Spoilt,
    Unavailable,
)

TRAITS = Traits(
    stoppable=False,
    models=(Model("Tongyi-MAI/Z-Image-Turbo"),),
    sends_prompt_to=SendsPromptTo("company", "api-inference.modelscope.cn"),
)
ROOT = "https://api-inference.modelscope.cn/v1"
FIRST_LOOK, LAST_LOOK = 0.25, 3.0
"""Seconds between two questions after a task: few at first, for the fast models."""

MISSES = 3
"""Answers after a task that may fail in a row before it is given up."""


def create(entry: Entry) -> ModelScope:
    return ModelScope(entry)


class ModelScope:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._api = Api(entry, entry.base_url or ROOT)
        self._seen: tuple[str, Quota] | None = None

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
        body = body_of(request, self._entry.options)
        try:
            url = await before(deadline, self._paint(body, request.model, key, report))
        except Late as late:
            raise self._entry.lost(request.model, "the picture was not done in time") from late
        data = await fetch_picture(url, self._entry, request.model, deadline)
        header = read_header(data)
        return Picture(
            data,
            header.media_type,
            header.width,
            header.height,
            int(body["seed"]),
            self._entry.usd(request.model),
            tuple(notes_of(request, body, (header.width, header.height))),
        )

    async def check(self, *, key: str | None) -> Check:
        """Whether it answers. Its list of models is given to any key, good or bad, so that this
        says nothing of the key; what is left, the service says only beside a picture.
        """
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            key = _needed(key)
            reply = await before(deadline, self._api.ask("GET", "models", key=key))
            refuse_failure(reply, key)
        except Late:
            return Check(False, "no answer in time", answers=False)
        except ProviderError as error:
            return Check.failed(error)
        quota = self._seen[1] if self._seen and self._seen[0] == key else None
        return Check(
            True, f"{self._api.host} answers; the key is tried with the first picture", quota
        )

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _paint(
        self, body: Mapping[str, Any], model: str, key: str, report: Callable[[Progress], None]
    ) -> str:
        """The address of the picture."""
        reply = await self._api.ask(
            "POST",
            "images/generations",
            key=key,
            body=body,
            headers={"x-modelscope-async-mode": "true"},
            lost=lambda reason: self._entry.lost(model, reason),
        )
        if quota := quota_in(reply):
            self._seen = key, quota
        refuse_failure(reply, key)
        task = mapping_in(reply).get("task_id")
        if not isinstance(task, str) or not task:
            raise Spoilt("the answer names no task")
        report(Progress(words="waiting"))
        return await self._look_after(task, model, key, report)

    async def _look_after(
        self, task: str, model: str, key: str, report: Callable[[Progress], None]
    ) -> str:
        wait, misses = FIRST_LOOK, 0
        while True:
            await asyncio.sleep(wait)
            wait = min(LAST_LOOK, wait * 1.5)
            try:
                found = await self._look(task, key)
                misses = 0
            except ProviderError as error:
                misses += 1
                if misses == MISSES:
                    raise self._entry.lost(model, f"the task was lost: {error}") from error
                continue
            status = words(str(found.get("task_status")), key)
            if status == "SUCCEED":
                return address_in(found)
            if status in ("FAILED", "CANCELED"):
                text = words(said_in(found), key)
                raise Unavailable(f"the task failed: {text}" if text else "the task failed")
            report(Progress(words=status.lower()))

    async def _look(self, task: str, key: str) -> Mapping[str, Any]:
        reply = await self._api.ask(
            "GET",
            f"tasks/{quote(task, safe='')}",
            key=key,
            headers={"x-modelscope-task-type": "image_generation"},
        )
        refuse_failure(reply, key)
        return mapping_in(reply)


def _needed(key: str | None) -> str:
    if not key:
        raise NotConfigured("no key")
    refuse_odd(key)
    return key
