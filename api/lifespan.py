"""What runs beside the doors from start to end of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from studio.checkup import probe
from studio.gallery import take_back
from studio.studio import Studio

KEEP_SECONDS = 3600.0
"""For which a file that a door handed out can be fetched."""

_EVERY_SECONDS = 300.0


def lifespan_of(
    studio: Studio, handed_out: Path
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Looks after the ledger, asks who is there, takes files back in time; closes the studio."""

    async def sweep() -> None:
        while True:
            older_than = studio.clock().timestamp() - KEEP_SECONDS
            await asyncio.to_thread(take_back, handed_out, older_than)
            await asyncio.sleep(_EVERY_SECONDS)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        studio.begin()
        beside = [asyncio.create_task(sweep()), asyncio.create_task(probe(studio))]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await studio.aclose()

    return lifespan
