"""The ledger's tables. Amounts are whole billionths, so that sums are exact on every database."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

_NANO = Decimal(10) ** 9


class Amount(TypeDecorator[Decimal]):
    """Dollars, or whatever an allowance is counted in, as whole billionths; None is unknown."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:
        return None if value is None else int((value * _NANO).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value) / _NANO


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


metadata = MetaData()

requests = Table(
    "requests",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("visitor", String(64), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("negative_prompt", Text, nullable=False),
    Column("provider", String(80), nullable=False),
    Column("model", String(200), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("steps", Integer),
    Column("guidance", Float),
    Column("sha256", String(64)),
    Column("receipt", Text),
    Column("process", String(64), nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("trail", Text),
    Column("idempotency_key", String(200)),
    Column("fingerprint", String(64), nullable=False),
    Index("requests_by_visitor", "visitor", "asked_at"),
    Index("requests_by_key", "visitor", "idempotency_key", unique=True),
    Index("requests_under_way", "ended_at", "lease_until"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", String(32), nullable=False, index=True),
    Column("provider", String(80), nullable=False),
    Column("model", String(200), nullable=False),
    Column("account", String(32), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("cost_usd", Amount),
    Column("billed", String(5), nullable=False),
    Column("paid_by", String(10), nullable=False),
    Column("retry_at", Instant),
    Column("process", String(64), nullable=False),
    Column("lease_until", Instant),
    Column("holds", Text, nullable=False),
    Column("fault", String(12), nullable=False),
    Index("attempts_by_provider", "provider", "account", "started_at"),
    Index("attempts_by_outcome", "provider", "model", "outcome", "id"),
    Index("attempts_under_way", "outcome", "lease_until"),
)
"""One row a call. `lease_until` is set while it runs; `holds` is what was set aside for it, `fault`
what a rest goes by besides its outcome: `ours` where the provider is not to blame.
"""

meters = Table(
    "meters",
    metadata,
    Column("scope", String(160), primary_key=True),
    Column("period", String(16), primary_key=True),
    Column("amount", Amount, nullable=False),
)
"""What was spent of each budget and each allowance, and set aside, in each of its periods."""

rests = Table(
    "rests",
    metadata,
    Column("provider", String(80), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("account", String(32), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("streak", Integer, nullable=False),
)
"""Who is left alone until when. An empty model stands for all of that account's."""

quotas = Table(
    "quotas",
    metadata,
    Column("provider", String(80), primary_key=True),
    Column("account", String(32), primary_key=True),
    Column("left", Amount, nullable=False),
    Column("limit", Amount),
    Column("unit", String(20), nullable=False),
    Column("resets_at", Instant),
    Column("as_of", Instant, nullable=False),
    Column("metered", Amount, nullable=False),
)
"""What a service said is left at an instant, and what our own meter showed at that instant."""

rollups = Table(
    "rollups",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("provider", String(80), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("outcome", String(20), primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("usd", Amount, nullable=False),
    Column("unknown", BigInteger, nullable=False),
)
"""Sums of settled attempts by day, and under an empty day since ever.

`unknown` counts those that may have cost nobody knows how much.
"""

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("media_type", String(40), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("going", Boolean, nullable=False),
    Index("pictures_by_age", "going", "starred", "made_at"),
)
"""The files of the gallery. `going` marks one whose file is being deleted."""
