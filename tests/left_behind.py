"""What a call may leave behind: no thread and no open socket."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from pathlib import Path

SLACK = 4.0
"""Seconds in which everything must have ended: the grace of a cancelled job."""

Open = tuple[set[int], int]


def left_open() -> Open:
    """The threads and how many sockets there are. What lives now is kept out of further
    collections, which would else take longer than a call does.
    """
    gc.collect()
    gc.freeze()
    return {thread.ident or 0 for thread in threading.enumerate()}, _sockets()


async def nothing_left(before: Open) -> None:
    """Threads of the loop's own executor may stay; everything else must be gone in a moment."""
    ends = time.monotonic() + SLACK
    while True:
        gc.collect()
        sockets = _sockets()
        new = [t.name for t in threading.enumerate() if t.ident not in before[0]]
        new = [name for name in new if not name.startswith("asyncio_")]
        if not new and sockets <= before[1]:
            return
        assert time.monotonic() < ends, f"left behind: threads {new}, {sockets - before[1]} sockets"
        await asyncio.sleep(0.05)


async def no_thread_is_left(name: str) -> None:
    """The threads that an adapter gave this name have ended, or do so in a moment."""
    ends = time.monotonic() + 2
    while any(thread.name.startswith(name) for thread in threading.enumerate()):
        assert time.monotonic() < ends, "a thread was left behind"
        await asyncio.sleep(0.01)


def _sockets() -> int:
    """How many sockets this process holds."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return 0
    names = []
    for number in os.listdir(folder):
        try:
            names.append(os.readlink(folder / number))
        except OSError:
            continue
    return sum(name.startswith("socket:") for name in names)
