"""One prediction at Replicate: created, looked after until it ends, canceled if given up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from providers._answer import words
from providers._deadline import Late, before
from providers._replicate_sdk import Ask, Sdk
from providers.base import Entry, Progress
from providers.errors import (
    ProviderError,
    Refused,
    Spoilt,
    Unavailable,
)

FIRST_LOOK, LAST_LOOK = 0.1, 2.0
"""Seconds between two looks: few at first, for the fast models."""

LOOK_SECONDS = 10.0
MISSES, MISS_SECONDS = 5, 0.25
"""Looks that may fail in a row before the prediction is given up, and how much longer each time it
is waited in between.
"""

ID_SECONDS, CANCEL_SECONDS = 0.8, 1.5
"""For what is left to do when the call is over; together less than `_deadline.GRACE`."""

_PERCENT = re.compile(r"\b(\d{1,3})%\|")
_REFUSED = re.compile(r"\bNSFW\b|\(E005\)|flagged as sensitive", re.IGNORECASE)
"""Replicate has no code for it. Words of cog-sdxl, cog-flux and cog-stable-diffusion, and the code
of models that are run elsewhere.
"""


class Job:
    """`asked`: the request to create it has been begun, so that somebody may be at work."""

    def __init__(
        self, sdk: Sdk, entry: Entry, model: str, key: str, report: Callable[[Progress], None]
    ) -> None:
        self._sdk = sdk
        self._entry = entry
        self._model = model
        self._key = key
        self._report = report
        self.asked = False

    async def run(self, create: Ask) -> str:
        """The address of the picture. Raises a ProviderError. Whatever happens, no prediction is
        left at work.
        """
        found = await self._create(create)
        job, wait = _id_in(found), FIRST_LOOK
        try:
            while found.get("status") not in ("succeeded", "failed", "canceled", "aborted"):
                self._report(_progress(found, self._key))
                await asyncio.sleep(wait)
                wait = min(LAST_LOOK, wait * 1.5)
                found = await self._look(job)
        except BaseException:
            await asyncio.shield(asyncio.create_task(self._cancel(job)))
            raise
        return self._address_in(found)

    async def _create(self, create: Ask) -> Mapping[str, Any]:
        """The new prediction. Only its id can cancel it; so if the call ends before that has come,
        there is a moment for it still.
        """
        self.asked = True
        self._report(Progress(words="sent"))
        creating = asyncio.create_task(self._sdk.ask(create, self._lost))
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(self._cancel_created(creating)))
            raise

    async def _cancel_created(self, creating: asyncio.Task[Mapping[str, Any]]) -> None:
        with suppress(ProviderError, asyncio.TimeoutError):
            found = await asyncio.wait_for(creating, ID_SECONDS)
            await self._cancel(_id_in(found))

    async def _cancel(self, job: str) -> None:
        now = asyncio.get_running_loop().time()
        with suppress(ProviderError, Late):
            cancel = self._sdk.ask(lambda client: client.predictions.async_cancel(job))
            await before(now + CANCEL_SECONDS, cancel)

    def _lost(self, reason: str) -> ProviderError:
        return self._entry.lost(self._model, reason)

    async def _look(self, job: str) -> Mapping[str, Any]:
        """How the prediction is now."""
        loop, misses = asyncio.get_running_loop(), 0
        while True:
            try:
                look = self._sdk.ask(lambda client: client.predictions.async_get(job))
                return await before(loop.time() + LOOK_SECONDS, look)
            except (ProviderError, Late) as error:
                misses += 1
                if misses == MISSES:
                    why = str(error) or "no answer"
                    raise self._lost(f"the prediction was lost sight of: {why}") from error
            await asyncio.sleep(misses * MISS_SECONDS)

    def _address_in(self, found: Mapping[str, Any]) -> str:
        """Where the picture of a prediction that has ended lies. Raises a ProviderError."""
        status, said = found["status"], str(found.get("error") or "")
        if status == "succeeded":
            output = found.get("output")
            first = output[0] if isinstance(output, list) and output else output
            if isinstance(first, str) and first:
                return first
            raise self._lost("the prediction succeeded and names no picture")
        text = words(said, self._key)
        if status == "canceled":  # not by us; it was running, and that is charged
            raise self._lost("the prediction was canceled")
        if status == "failed" and _REFUSED.search(said):
            raise Refused(text)
        raise Unavailable(f"the prediction {status}" + (f": {text}" if text else ""))


def _id_in(found: Mapping[str, Any]) -> str:
    job = found.get("id")
    if not isinstance(job, str) or not re.fullmatch(r"[\w-]+", job):
        raise Spoilt("the answer names no prediction")
    return job


def _progress(found: Mapping[str, Any], key: str) -> Progress:
    """The status, and the last percentage of a progress bar in the logs."""
    percents = _PERCENT.findall(str(found.get("logs") or "")[-2000:])
    fraction = min(1.0, int(percents[-1]) / 100) if percents else None
    return Progress(fraction=fraction, words=words(str(found.get("status") or ""), key))
