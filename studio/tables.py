"""The ledger's tables. Money is whole nano-dollars, so that sums are exact on every database."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
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


class Usd(TypeDecorator[Decimal]):
    """Dollars as whole nano-dollars; None is unknown."""

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
    Index("requests_by_visitor", "visitor", "asked_at"),
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
    Column("cost_usd", Usd),
    Column("billed", String(5), nullable=False),
    Column("paid_by", String(10), nullable=False),
    Column("retry_at", Instant),
    Index("attempts_by_provider", "provider", "account", "started_at"),
)

spending = Table(
    "spending",
    metadata,
    Column("scope", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("usd", Usd, nullable=False),
)
