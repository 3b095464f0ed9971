"""Opens the ledger's database and brings it to the newest shape."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 0x46726565
"""The number of an advisory lock: any, but always the same."""

_DRIVER = "psycopg[binary]>=3.2,<4"


def open_database(folder: Path, url: str | None = None) -> Engine:
    """The database at `url` (`DATABASE_URL`), or the SQLite one in `folder`, made or migrated where
    it must be.

    Raises OSError where it cannot be used: no database, locked, no driver, or made by a newer
    Freebrush.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address = _address(url) if url else URL.create("sqlite", database=str(folder / "ledger.db"))
    where = address.render_as_string() if url else str(folder / "ledger.db")
    try:
        engine = _engine(address)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":  # of several that start at once, one migrates
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            command.upgrade(config, "head")
    except ImportError as error:
        raise OSError(f"DATABASE_URL needs a driver; run: pip install '{_DRIVER}'") from error
    except (CommandError, DBAPIError) as error:
        says = getattr(error, "orig", error)
        raise OSError(f"{where} cannot be used: {says}") from error
    return engine


def _address(url: str) -> URL:
    """`url` as an address. What is wrong with it is not shown: it may hold a password."""
    try:
        address = make_url(url)
        known = address.get_backend_name() in ("postgresql", "postgres", "sqlite")
    except ArgumentError:
        known = False
    if not known:
        raise OSError("DATABASE_URL must look like postgresql://user:password@host/database")
    return address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        # psycopg 3, whatever of the usual spellings the address has; each thread of a busy server
        # holds one connection for a moment.
        address = address.set(drivername="postgresql+psycopg")
        return create_engine(address, pool_size=8, max_overflow=8, pool_pre_ping=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def reading(engine: Engine) -> Connection:
    """A connection that only reads: it waits for no writer, and none for it."""
    return engine.connect().execution_options(reading=True)


def _begin(connection: Connection) -> None:
    """What may write begins as a writer, or two could read the same budget before either writes."""
    only_reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def insert_or_nothing(connection: Connection, table: Table) -> Insert:
    """An insert that leaves a row that is there as it is."""
    statement: Insert = _dialects(connection).insert(table).on_conflict_do_nothing()
    return statement


def insert_or_replace(connection: Connection, table: Table) -> Insert:
    """An insert that takes the place of a row with the same primary key."""
    return _on_conflict(connection, table, lambda column, given: given)


def insert_or_add(connection: Connection, table: Table, *counted: str) -> Insert:
    """An insert that adds its `counted` columns to those of a row with the same primary key."""
    return _on_conflict(
        connection, table, lambda column, given: column + given if column.name in counted else None
    )


def _on_conflict(
    connection: Connection, table: Table, becomes: Callable[[Any, Any], Any]
) -> Insert:
    statement = _dialects(connection).insert(table)
    changes = {
        column.name: becomes(column, statement.excluded[column.name])
        for column in table.columns
        if not column.primary_key
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    result: Insert = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=changes
    )
    return result


def _dialects(connection: Connection) -> Any:
    """SQLAlchemy's words for what both databases can and the standard does not name."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    """WAL lets readers and the one writer work side by side; waiting beats "database is locked".

    The driver must not open transactions by itself: how ours begin, `_begin` says.
    """
    connection.isolation_level = None
    for pragma in ("busy_timeout=10000", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Of several that switch a new database to WAL at once, SQLite refuses all but one without
    waiting; a moment later they find it done.
    """
    for tries_left in reversed(range(500)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not tries_left:
                raise
            time.sleep(0.02)
