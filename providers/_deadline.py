"""A deadline for one wait: what is not there by then is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from providers.errors import Unavailable

GRACE = 3.0
"""Seconds that cancelled work gets to tidy up, such as to stop its job at the server."""

T = TypeVar("T")


class Late(Exception):
    """The work was begun and not done in time."""


async def before(deadline: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. At `deadline`, an instant of the running loop's clock, it is cancelled
    and `Late` raised. When no time is left at all, nothing is begun and Unavailable raised.
    """
    left = deadline - asyncio.get_running_loop().time()
    if left <= 0:
        work.close()
        raise Unavailable("no time was left to ask")
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=left)
        if not task.done():
            raise Late
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE)
            if task.done() and not task.cancelled():
                task.exception()  # seen; what counts is that it came too late
