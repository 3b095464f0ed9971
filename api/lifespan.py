"""What runs beside the doors from start to end of the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from studio.gallery import take_back
from studio.studio import Studio

KEEP_SECONDS = 3600.0
"""For which a file that a door handed out can be fetched."""

_EVERY_SECONDS = 300.0


def lifespan_of(
    studio: Studio, handed_out: Path
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Takes files back in time, and closes the studio at the end."""

    async def sweep() -> None:
        while True:
            older_than = studio.clock().timestamp() - KEEP_SECONDS
            await asyncio.to_thread(take_back, handed_out, older_than)
            await asyncio.sleep(_EVERY_SECONDS)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await studio.aclose()

    return lifespan
