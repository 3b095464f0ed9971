"""A request that was sent before with the same idempotency key: it joins the first and never starts
a second, in whichever process that runs and whatever became of it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from studio import leases
from studio.book import Book, Made
from studio.calls import GRACE
from studio.job import Job
from studio.ledger import Ledger, fingerprint
from studio.receipt import Attempt, NobodyCould, Receipt
from studio.words import BadInput, Said

_LOOK_EVERY = 0.1
"""Seconds."""


async def await_first(book: Book, job: Job, key: str) -> Made | NobodyCould:
    """What came of the request that this visitor sent first with this key."""
    loop = asyncio.get_running_loop()
    while True:
        row = await asyncio.to_thread(sent_before, book.ledger, job, key)
        if row.ended_at:
            return await asyncio.to_thread(_ended, book, row)
        if row.lease_until < book.ledger.clock():
            await asyncio.to_thread(leases.sweep, book.ledger, book.gallery)
        elif loop.time() > job.until + GRACE:
            return NobodyCould(row.id, (_said("too_late"),))
        await asyncio.sleep(_LOOK_EVERY)


def sent_before(ledger: Ledger, job: Job, key: str) -> Any:
    """The row of the request that this visitor sent first with this key; None if there is none.
    Raises BadInput where that asked for something else.
    """
    row = ledger.sent_before(job.visitor.id, key)
    if row and row.fingerprint != fingerprint(job.request, job.pictures):
        raise BadInput("other_request", "idempotency_key", given=repr(key.rpartition("/")[0]))
    return row


def _ended(book: Book, row: Any) -> Made | NobodyCould:
    if not row.receipt:
        trail = tuple(map(Attempt.from_dict, json.loads(row.trail or "[]")))
        return NobodyCould(row.id, trail)
    found = book.gallery.find(row.sha256)
    if not found:
        return NobodyCould(row.id, (_said("deleted"),))
    return Made(found[0], Receipt.from_dict(json.loads(row.receipt)))


def _said(code: str) -> Attempt:
    said = Said(code)
    return Attempt("auto", "", "skipped", str(said), said=said)
