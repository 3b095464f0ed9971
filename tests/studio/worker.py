"""A studio in a process of its own, for what only several processes show, and one that is killed.

`python -m tests.studio.worker '{"folder": …}'` asks for pictures all at once and prints a line of
JSON for what comes of each. Its providers are fakes, which ask a server where one is named
(`vendor`), so that it counts how often it was asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx
from sqlalchemy import Pool, event

from providers.base import Entry, Picture, Unsupported
from studio.config import Budget, Config
from studio.gallery import Gallery
from studio.ledger import Ledger
from studio.receipt import NobodyCould
from studio.studio import Studio
from studio.visitor import Visitor
from studio.words import BadInput
from tests.canned import picture
from tests.studio import fakes


@dataclass(frozen=True)
class Orders:
    """`dies` and `halts` name a point (see `POINTS`) and its how-manieth time: there the process
    kills, or stops, itself.
    """

    folder: str
    url: str = ""
    requests: int = 1
    usd_per_day: str = "0"
    vendor: str = ""
    key: str | None = None
    visitor: str = "owner"
    prompt: str = "a fox"
    dies: tuple[str, int] | None = None
    halts: tuple[str, int] | None = None


class Vendor:
    """Each picture is another one; every third call fails where there is money enough."""

    def __init__(self, entry: Entry, orders: Orders) -> None:
        self._entry, self._vendor, self._fails = entry, orders.vendor, rich(orders)
        self._chance, self._numbers = Random(7), count()

    async def generate(self, *_: Any, **__: Any) -> Picture:
        number = next(self._numbers)
        await asyncio.sleep(self._chance.random() * 0.03)
        if self._fails and number % 3 == 0:
            raise Unsupported("not this one")
        if self._vendor:
            async with httpx.AsyncClient(timeout=60) as client:
                answer = await client.post(self._vendor)
            if answer.status_code != 200:
                raise Unsupported("not this one")
        data = picture("png") + f"{os.getpid()} {self._entry.name} {number}".encode()
        return Picture(data, "image/png", 64, 64, 1, self._entry.models[0].usd)

    async def aclose(self) -> None:
        pass


POINTS: dict[str, tuple[Any, str]] = {
    "half a picture": (Path, "write_bytes"),
    "renaming": (Path, "replace"),
    "the ledger's row": (Ledger, "succeed"),
    "tidying up": (Gallery, "finish"),
    "starting": (Ledger, "start"),
    "asking": (Vendor, "generate"),
    "failing": (Ledger, "settle"),
    "the end": (Ledger, "end_request"),
    "looking": (Ledger, "sent_before"),
}
"""What a process is about to do when it dies; but half of the first has been done."""


def config(orders: Orders) -> Config:
    """One that costs a cent a picture; before it one that is free, where there is money enough."""
    dear = fakes.entry("dear", "0.01")
    entries = [fakes.entry("free", "0"), dear] if rich(orders) else [dear]
    budget = Budget(usd_per_image=Decimal(1), usd_per_day=Decimal(orders.usd_per_day))
    known = {entry.name: entry for entry in entries}
    return Config(known, fallback=tuple(known), budget=budget)


def rich(orders: Orders) -> bool:
    return Decimal(orders.usd_per_day) > 1


BETWEEN_TRANSACTIONS = threading.Lock()
"""Who stands still in a transaction holds up everybody on SQLite, however long that takes: that is
how SQLite is, and not what we look at. So there is one transaction at a time, and then none.
"""


def one_transaction_at_a_time() -> None:
    event.listen(Pool, "checkout", lambda *_: BETWEEN_TRANSACTIONS.acquire())
    event.listen(Pool, "checkin", lambda *_: BETWEEN_TRANSACTIONS.release())


def strike(point: tuple[str, int], number: int) -> None:
    """Have this process send itself the signal when it comes to that point."""
    (owner, name), times = POINTS[point[0]], count(1)
    does: Callable[..., Any] = getattr(owner, name)

    def wrapped(self: Any, *args: Any, **more: Any) -> Any:
        if (owner is not Path or "unfinished" in str(self)) and next(times) == point[1]:
            if name == "write_bytes":
                does(self, args[0][: len(args[0]) // 2])
            with BETWEEN_TRANSACTIONS if number == signal.SIGSTOP else nullcontext():
                # To this thread, which so does not get past this line first.
                signal.pthread_kill(threading.get_ident(), number)
        return does(self, *args, **more)

    setattr(owner, name, wrapped)


async def work(orders: Orders) -> None:
    studio = Studio(config(orders), Path(orders.folder), {"DATABASE_URL": orders.url})
    studio.begin()
    visitor = Visitor(orders.visitor, True)
    request = studio.check(prompt=orders.prompt, provider="auto")

    async def one() -> dict[str, Any]:
        try:
            made = await studio.generate(request, visitor, idempotency_key=orders.key)
            return {"made": made.path.name, "request": made.receipt.request_id}
        except NobodyCould as error:
            return {"failed": str(error), "request": error.request_id}
        except BadInput as error:
            return {"bad": str(error)}

    for next_one in asyncio.as_completed([one() for _ in range(orders.requests)]):
        print(json.dumps(await next_one), flush=True)
    await studio.aclose()


def main(text: str) -> None:
    orders = Orders(**json.loads(text))
    for point, number in ((orders.dies, signal.SIGKILL), (orders.halts, signal.SIGSTOP)):
        if point:
            strike(tuple(point), number)
    if orders.halts:
        one_transaction_at_a_time()
    known = {name: Vendor(entry, orders) for name, entry in config(orders).providers.items()}
    sys.modules["providers.open"] = fakes.adapter(fakes.ADAPTERS["open"], known)  # type: ignore[arg-type]
    asyncio.run(work(orders))


if __name__ == "__main__":
    main(sys.argv[1])
