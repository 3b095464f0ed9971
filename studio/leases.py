"""Leases: who runs renews them, and whoever comes across one that ran out settles what it left."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, update

from studio import meters
from studio.database import reading
from studio.gallery import Gallery
from studio.ledger import LEASE, Ledger, record_picture
from studio.receipt import Attempt, Receipt
from studio.rollups import roll_up
from studio.tables import attempts, requests

GONE = "Freebrush was ended while it was asked"


def renew(ledger: Ledger) -> None:
    """Say that this process still runs what it runs."""
    until = ledger.clock() + LEASE
    calls = attempts.c.request_id.in_(list(ledger.calls)) & (attempts.c.outcome == "started")
    asked = requests.c.id.in_(list(ledger.requests)) & requests.c.ended_at.is_(None)
    for table, running, ours in (
        (attempts, ledger.calls, calls),
        (requests, ledger.requests, asked),
    ):
        if running:
            with ledger.engine.begin() as connection:
                connection.execute(update(table).where(ours).values(lease_until=until))


def sweep(ledger: Ledger, gallery: Gallery) -> int:
    """Settle what a process left that is gone; how many attempts that were.

    A picture that had arrived, and whose file is whole, is kept. Of everything else nobody knows
    what became: what it may have cost stays set aside.
    """
    settled = 0
    for row in _run_out(ledger, attempts, attempts.c.outcome == "started"):
        found = gallery.unfinished(row.request_id)
        with ledger.engine.begin() as connection:
            won = _settle(ledger, connection, row, found)
        if won and found:
            gallery.finish(found[0])
        settled += won
    for row in _run_out(ledger, requests, requests.c.ended_at.is_(None)):
        with ledger.engine.begin() as connection:
            _end(connection, row, ledger)
    return settled


def _run_out(ledger: Ledger, table: Any, under_way: Any) -> list[Any]:
    query = select(table).where(under_way, table.c.lease_until < ledger.clock())
    with reading(ledger.engine) as connection:
        return list(connection.execute(query))


def _settle(
    ledger: Ledger, connection: Connection, row: Any, found: tuple[Receipt, int] | None
) -> bool:
    """False where somebody else was quicker, or it is renewed after all."""
    free = row.paid_by == "free"
    attempt = Attempt(
        row.provider, row.model, "outcome_unknown", GONE,
        max(0.0, (row.lease_until - LEASE - row.started_at).total_seconds()),
        Decimal(0) if free else None, "no" if free else "maybe",
    )  # fmt: skip
    if found:
        attempt = next(one for one in found[0].attempts if one.outcome == "succeeded")
    mine = (attempts.c.id == row.id) & (attempts.c.outcome == "started")
    won = connection.execute(
        update(attempts).where(mine, attempts.c.lease_until == row.lease_until).values(
            outcome=attempt.outcome, reason=attempt.reason, seconds=attempt.seconds,
            cost_usd=attempt.cost_usd, billed=attempt.billed, lease_until=None,
        )
    )  # fmt: skip
    if not won.rowcount:
        return False
    meters.correct(connection, meters.from_text(row.holds), attempt)
    roll_up(connection, row.started_at, attempt)
    if found:
        record_picture(connection, *found, ledger.clock())
    return True


def _end(connection: Connection, row: Any, ledger: Ledger) -> None:
    """The trail of a request whose process is gone, as far as it is in the ledger."""
    query = select(attempts).where(attempts.c.request_id == row.id).order_by(attempts.c.id)
    trail = [
        Attempt(one.provider, one.model, one.outcome, one.reason, one.seconds, one.cost_usd,
                one.billed, one.retry_at).as_dict()
        for one in connection.execute(query)
    ]  # fmt: skip
    connection.execute(
        update(requests).where(
            requests.c.id == row.id, requests.c.ended_at.is_(None),
            requests.c.lease_until == row.lease_until,
        ).values(
            ended_at=ledger.clock(), trail=json.dumps(trail),
        )
    )  # fmt: skip
