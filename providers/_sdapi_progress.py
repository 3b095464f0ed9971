"""How far a server under `/sdapi/v1/` is with its picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from providers._sdapi import NotServed, Server
from providers.base import Progress
from providers.errors import ProviderError

POLL_SECONDS = 0.5
LOOK_SECONDS = 1.0
"""For one poll; it is answered in 1 to 10 ms while a picture is made."""


class Watch:
    """Reports how far the server is, and notices when somebody interrupts it.

    The server knows one progress, that of whichever job runs; sd.cpp has none at all.
    """

    def __init__(self, server: Server, report: Callable[[Progress], None]) -> None:
        self._server = server
        self._report = report
        self._served = True
        self.interrupted = False

    async def run(self) -> None:
        while self._served:
            await asyncio.sleep(POLL_SECONDS)
            progress = await self.look()
            if progress:
                self._report(progress)

    async def look(self) -> Progress | None:
        """One poll. A failing one is nobody's trouble."""
        if not self._served:
            return None
        try:
            found = await self._server.ask("progress?skip_current_image=true", seconds=LOOK_SECONDS)
            state = found.get("state") or {}
            self.interrupted = bool(state.get("interrupted"))
            return _progress(found, state)
        except NotServed:
            self._served = False
        except (ProviderError, AttributeError, TypeError, ValueError):
            pass
        return None


def _progress(found: Mapping[str, Any], state: Mapping[str, Any]) -> Progress:
    if not state.get("job_count"):
        return Progress(words="waiting for the server")
    steps = int(state.get("sampling_steps") or 0)
    return Progress(
        fraction=min(1.0, max(0.0, float(found.get("progress") or 0))),
        eta_seconds=max(0.0, float(found.get("eta_relative") or 0)) or None,
        words=f"step {state.get('sampling_step')} of {steps}" if steps else "",
    )
