"""The ledger: every request and every attempt, kept in a database."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine, func, insert, select, update

from studio.receipt import Attempt, Receipt
from studio.request import Request
from studio.tables import attempts, requests

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Usage:
    """What one account of one entry has used up since an instant.

    `unknown` counts those of the images that cost nobody knows how much.
    """

    images: int = 0
    usd: Decimal = Decimal(0)
    unknown: int = 0


@dataclass(frozen=True)
class Figures:
    """How an offer has done: pictures asked of it, those that came, seconds and dollars.

    `unknown_costs` counts the pictures that may have cost something, nobody knows how much.
    """

    pictures: int = 0
    successes: int = 0
    median_seconds: float | None = None
    spent_usd: Decimal = Decimal(0)
    unknown_costs: int = 0


class Ledger:
    """Blocking; async callers go through a worker thread."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record_request(self, request_id: str, visitor: str, request: Request, seed: int) -> None:
        """The request as it was understood, before anybody is asked."""
        row = {**vars(request), "id": request_id, "visitor": visitor, "seed": seed}
        with self._engine.begin() as connection:
            connection.execute(insert(requests).values(asked_at=self._clock(), **row))

    def start_attempt(
        self, request_id: str, provider: str, model: str, account: str, paid_by: str
    ) -> int:
        """Write that somebody is about to be asked; the number is for `settle_attempt`."""
        with self._engine.begin() as connection:
            result = connection.execute(
                insert(attempts).values(
                    request_id=request_id, provider=provider, model=model, account=account,
                    started_at=self._clock(), outcome="started", reason="", seconds=0.0,
                    billed="maybe", paid_by=paid_by,
                )
            )  # fmt: skip
            (number,) = result.inserted_primary_key or (0,)
            return int(number)

    def settle_attempt(self, number: int, attempt: Attempt) -> None:
        """Write what came of it."""
        with self._engine.begin() as connection:
            connection.execute(
                update(attempts).where(attempts.c.id == number).values(
                    outcome=attempt.outcome, reason=attempt.reason, seconds=attempt.seconds,
                    cost_usd=attempt.cost_usd, billed=attempt.billed, retry_at=attempt.retry_at,
                )
            )  # fmt: skip

    def record_receipt(self, receipt: Receipt) -> None:
        """The picture that came of a request."""
        with self._engine.begin() as connection:
            connection.execute(
                update(requests).where(requests.c.id == receipt.request_id).values(
                    sha256=receipt.sha256, receipt=json.dumps(receipt.as_dict()),
                )
            )  # fmt: skip

    def used(self, provider: str, account: str, since: datetime) -> Usage:
        """What was taken from the free allowance since then, by our own count."""
        unknown = func.count().filter(attempts.c.cost_usd.is_(None))
        query = select(func.count(), func.sum(attempts.c.cost_usd), unknown).where(
            attempts.c.provider == provider,
            attempts.c.account == account,
            attempts.c.started_at >= since,
            attempts.c.paid_by == "allowance",
            attempts.c.billed != "no",
        )
        with self._engine.connect() as connection:
            images, usd, unknowns = connection.execute(query).one()
        return Usage(images, usd or Decimal(0), unknowns)

    def figures(self) -> dict[tuple[str, str], Figures]:
        """By provider and model; the median is that of the newest 200 successes."""
        offer = (attempts.c.provider, attempts.c.model)
        succeeded = attempts.c.outcome == "succeeded"
        unknown = attempts.c.cost_usd.is_(None) & (attempts.c.billed != "no")
        asked = select(
            *offer, func.count(), func.count().filter(succeeded),
            func.sum(attempts.c.cost_usd), func.count().filter(unknown),
        ).group_by(*offer)  # fmt: skip
        result = {}
        with self._engine.connect() as connection:
            for provider, model, pictures, successes, usd, unknowns in connection.execute(asked):
                newest = (
                    select(attempts.c.seconds)
                    .where(offer[0] == provider, offer[1] == model, succeeded)
                    .order_by(attempts.c.started_at.desc()).limit(200)
                )  # fmt: skip
                seconds = list(connection.scalars(newest))
                median = statistics.median(seconds) if seconds else None
                result[provider, model] = Figures(
                    pictures, successes, median, usd or Decimal(0), unknowns
                )
        return result
