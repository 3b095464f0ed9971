"""A ledger as it is after a long time, written in a few statements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    case,
    cast,
    func,
    insert,
    literal,
    select,
)

from providers.base import Entry
from studio.allowance import meter_of
from studio.config import Config
from studio.keys import account_of
from studio.tables import Amount, Instant, attempts, meters, rollups

DAYS, MOMENTS = 400, 4_000
KEYS = ("bench", "second", "third")

# A dozen of twenty come; each way to fail is there: outcome, cost in dollars, billed.
KINDS = [
    *[("succeeded", Decimal("0.003"), "yes")] * 8, *[("succeeded", Decimal(0), "no")] * 3,
    ("succeeded", None, "yes"), ("unavailable", Decimal(0), "no"),
    ("rate_limited", Decimal(0), "no"), ("quota_exhausted", Decimal(0), "no"),
    ("not_configured", Decimal(0), "no"), ("unsupported", Decimal(0), "no"),
    ("refused", Decimal(0), "no"), ("outcome_unknown", None, "maybe"), ("defect", None, "maybe"),
]  # fmt: skip


def fill(engine: Engine, config: Config, count: int) -> None:
    """As if each entry had been asked for 400 days, under three keys, `count` times in all."""
    now = datetime.now(timezone.utc) - timedelta(seconds=10)
    entries = [config.providers[name.partition("/")[0]] for name in config.order]
    every = timedelta(days=DAYS) / (MOMENTS - 1)
    moments = [now - every * ago for ago in reversed(range(MOMENTS))]
    with engine.begin() as connection:
        _attempts(connection, entries, moments, count)
        for day in (func.substr(cast(attempts.c.started_at, String), 1, 10), literal("")):
            _roll_up(connection, day)
        connection.execute(insert(meters), list(_spent(entries, moments)))
    if engine.dialect.name == "postgresql":  # which does so by itself, a minute later
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _attempts(
    connection: Connection, entries: list[Entry], moments: list[datetime], count: int
) -> None:
    """One after the other through the days, each of the next offer, account and kind in turn."""
    beside = MetaData()
    whose = Table(
        "bench_whose", beside, Column("k", Integer, primary_key=True), Column("provider", String),
        Column("model", String), Column("account", String),
    )  # fmt: skip
    when = Table(
        "bench_when", beside, Column("k", Integer, primary_key=True), Column("at", Instant)
    )
    kinds = Table(
        "bench_kinds", beside, Column("k", Integer, primary_key=True), Column("outcome", String),
        Column("usd", Amount), Column("billed", String),
    )  # fmt: skip
    beside.create_all(connection)
    offers = [(one, account_of(key)) for key in KEYS for one in entries]
    connection.execute(insert(whose), [
        {"k": k, "provider": one.name, "model": one.models[0].id, "account": account}
        for k, (one, account) in enumerate(offers)
    ])  # fmt: skip
    connection.execute(insert(when), [{"k": k, "at": at} for k, at in enumerate(moments)])
    connection.execute(insert(kinds), [
        dict(zip(("k", "outcome", "usd", "billed"), (k, *kind), strict=True))
        for k, kind in enumerate(KINDS)
    ])  # fmt: skip
    numbers = select(literal(0, BigInteger).label("i")).cte("numbers", recursive=True)
    i = numbers.union_all(select(numbers.c.i + 1).where(numbers.c.i < count - 1)).c.i
    chosen = select(
        cast(i, String), whose.c.provider, whose.c.model, whose.c.account, when.c.at,
        kinds.c.outcome, literal("why"), literal(1.0) + i % 97 / literal(10.0), kinds.c.usd,
        kinds.c.billed, literal("allowance"), literal("gone"), literal("[]"), literal(""),
    ).where(
        whose.c.k == i % len(offers),
        when.c.k == i * literal(len(moments)) // count,
        kinds.c.k == (i * 7 + i // len(offers)) % len(KINDS),
    ).order_by(i)  # fmt: skip
    columns = [
        "request_id", "provider", "model", "account", "started_at", "outcome", "reason", "seconds",
        "cost_usd", "billed", "paid_by", "process", "holds", "fault",
    ]  # fmt: skip
    connection.execute(insert(attempts).from_select(columns, chosen))
    beside.drop_all(connection)


def _roll_up(connection: Connection, day: Any) -> None:
    """As the migration does that brought the roll-ups."""
    unsure = attempts.c.cost_usd.is_(None) & (attempts.c.billed != "no")
    offer = (attempts.c.provider, attempts.c.model, attempts.c.outcome)
    sums = select(
        day.label("day"), *offer, func.count(),
        func.sum(case((attempts.c.cost_usd.is_(None), 0), else_=attempts.c.cost_usd)),
        func.sum(case((unsure, 1), else_=0)),
    ).group_by("day", *offer)  # fmt: skip
    columns = ["day", "provider", "model", "outcome", "attempts", "usd", "unknown"]
    connection.execute(insert(rollups).from_select(columns, sums))


def _spent(entries: list[Entry], moments: list[datetime]) -> Iterator[dict[str, Any]]:
    """What the budget and each allowance lost in each of their periods."""
    for day in {at.date() for at in moments}:
        yield {"scope": "everybody", "period": day.isoformat(), "amount": Decimal(1)}
    for one in entries:
        for account in map(account_of, KEYS) if one.free else ():
            assert one.free
            for period in {meter_of(one, one.free, account, at).period for at in moments}:
                scope = meter_of(one, one.free, account, moments[0]).scope
                yield {"scope": scope, "period": period, "amount": Decimal("0.01")}
