"""The ledger: every request and every attempt, in a database, each with a lease while it runs."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from providers.base import Entry, Quota
from studio import meters, rests
from studio.allowance import meter_of, pool_of, settled
from studio.database import insert_or_nothing, insert_or_replace, reading
from studio.offer import Planned
from studio.receipt import Attempt, Receipt
from studio.request import Request
from studio.rollups import roll_up
from studio.tables import attempts, pictures, quotas, requests
from studio.words import Said

Clock = Callable[[], datetime]
StorePrompts = Literal["full", "hash", "none"]

LEASE = timedelta(seconds=15)
"""Whoever has not renewed a lease for so long is gone, and somebody else settles what it left."""


@dataclass(frozen=True)
class Opened:
    """An attempt that has begun."""

    number: int
    row: Planned
    started_at: datetime


class Ledger:
    """Blocking; async callers go through a worker thread.

    `requests` and `calls` are what this process runs, by the id of the request: no other lease is
    renewed, so that also what could not be settled here is settled by a sweep.
    """

    def __init__(self, engine: Engine, clock: Clock, store_prompts: StorePrompts = "full") -> None:
        self.engine = engine
        self.clock = clock
        self.process = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._store = store_prompts
        self.requests: set[str] = set()
        self.calls: set[str] = set()

    def begin_request(
        self,
        request_id: str,
        visitor: str,
        request: Request,
        seed: int,
        key: str | None = None,
        pictures: int = 1,
    ) -> bool:
        """The request as it was understood, before anybody is asked. False where this visitor has
        sent one with this idempotency key before: then nothing is written.
        """
        now = self.clock()
        row = {**vars(request), "id": request_id, "visitor": visitor, "seed": seed}
        row |= {"prompt": self._kept(request.prompt)}
        row |= {"negative_prompt": self._kept(request.negative_prompt)}
        lease = {"process": self.process, "lease_until": now + LEASE}
        wish = {
            "idempotency_key": key,
            "fingerprint": fingerprint(request, pictures) if key else "",
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(requests).values(asked_at=now, **row, **lease, **wish))
        except IntegrityError:
            return False
        return True

    def start(self, request_id: str, row: Planned) -> Opened | Said:
        """Write that somebody is about to be asked, with what that may take set aside; or say why
        it must not be asked after all.
        """
        now = self.clock()
        with self.engine.begin() as connection:
            if refused := meters.take(connection, row.holds):
                left = refused.ceiling - meters.amount(connection, refused.scope, refused.period)
                connection.rollback()
                return row.without(refused, left)
            if row.rest and (until := rests.not_ours_before(connection, row.rest, now)):
                connection.rollback()
                return rests.said_of(until, now)
            written = connection.execute(
                insert(attempts).values(
                    request_id=request_id, provider=row.entry.name, model=row.model.id,
                    account=row.account, started_at=now, outcome="started", reason="", seconds=0.0,
                    billed="maybe", paid_by=row.paid_by, process=self.process,
                    lease_until=now + LEASE, holds=meters.as_text(row.holds), fault="ours",
                )
            )  # fmt: skip
            (number,) = written.inserted_primary_key or (0,)
            return Opened(int(number), row, now)

    def settle(self, opened: Opened, attempt: Attempt) -> None:
        """Write what came of it, with all that follows from it."""
        with self.engine.begin() as connection:
            self._settle(connection, opened, attempt)

    def succeed(self, opened: Opened, attempt: Attempt, receipt: Receipt, size: int) -> None:
        """The same for a picture whose file of `size` bytes is in the gallery."""
        with self.engine.begin() as connection:
            self._settle(connection, opened, attempt)
            record_picture(connection, receipt, size, self.clock())

    def end_request(self, request_id: str, trail: Sequence[Attempt]) -> None:
        """The trail of a request that gave no picture."""
        text = json.dumps([attempt.as_dict() for attempt in trail])
        mine = (requests.c.id == request_id) & requests.c.ended_at.is_(None)
        with self.engine.begin() as connection:
            connection.execute(update(requests).where(mine).values(
                ended_at=self.clock(), trail=text,
            ))  # fmt: skip

    def sent_before(self, visitor: str, key: str) -> Any:
        """The row of the request that this visitor sent with this idempotency key, if any."""
        query = select(requests).where(
            requests.c.visitor == visitor, requests.c.idempotency_key == key
        )
        with reading(self.engine) as connection:
            return connection.execute(query).one_or_none()

    def record_quota(self, entry: Entry, account: str, quota: Quota) -> None:
        """What the service itself says is left, and what our meter shows at that moment."""
        with self.engine.begin() as connection:
            meter = entry.free and meter_of(entry, entry.free, account, self.clock())
            metered = settled(connection, meter) if meter else Decimal(0)
            connection.execute(insert_or_replace(connection, quotas), {
                "provider": pool_of(entry), "account": account, "metered": metered, **vars(quota),
            })  # fmt: skip

    def rest(self, row: Planned) -> None:
        """It was asked something else than a picture, and did not answer."""
        silent = Attempt(row.entry.name, row.model.id, "unavailable", fault="unreachable")
        with self.engine.begin() as connection:
            rests.after(connection, row, silent, self.clock())

    def _settle(self, connection: Connection, opened: Opened, attempt: Attempt) -> None:
        """A lease that ran out while it went on has been settled by somebody else: that is taken
        back. Meters come before all else here, as in `start`: never do two wait for each other.
        """
        row, this = opened.row, attempts.c.id == opened.number
        found = select(attempts.c.outcome, attempts.c.billed, attempts.c.cost_usd)
        outcome, billed, cost = connection.execute(found.where(this).with_for_update()).one()
        place = (opened.started_at, row.entry.name, row.model.id)
        swept = Attempt(*place[1:], outcome, cost_usd=cost, billed=billed)
        connection.execute(
            update(attempts).where(this).values(
                outcome=attempt.outcome, reason=attempt.reason, seconds=attempt.seconds,
                cost_usd=attempt.cost_usd, billed=attempt.billed, retry_at=attempt.retry_at,
                lease_until=None, fault=attempt.fault,
            )
        )  # fmt: skip
        meters.correct(connection, row.holds, attempt, swept)
        if outcome != "started":
            roll_up(connection, place[0], swept, times=-1)
        roll_up(connection, place[0], attempt)
        rests.after(connection, row, attempt, self.clock())

    def _kept(self, prompt: str) -> str:
        if self._store == "hash" and prompt:
            return "sha256:" + hashlib.sha256(prompt.encode()).hexdigest()
        return prompt if self._store == "full" else ""


def record_picture(connection: Connection, receipt: Receipt, size: int, now: datetime) -> None:
    """The picture that came of a request, and its file."""
    connection.execute(
        update(requests).where(requests.c.id == receipt.request_id).values(
            sha256=receipt.sha256, receipt=json.dumps(receipt.as_dict()), ended_at=now,
        )
    )  # fmt: skip
    connection.execute(insert_or_nothing(connection, pictures), {
        "sha256": receipt.sha256, "media_type": receipt.media_type, "bytes": size,
        "made_at": now, "starred": False, "going": False,
    })  # fmt: skip
    # One that was made before, and byte for byte again, is as new as its newest.
    this = pictures.c.sha256 == receipt.sha256
    connection.execute(update(pictures).where(this).values(made_at=now, going=False))


def fingerprint(request: Request, pictures: int) -> str:
    """Tells whether two requests ask for the same, and for as many pictures."""
    wish = json.dumps([pictures, vars(request)], sort_keys=True)
    return hashlib.sha256(wish.encode()).hexdigest()
