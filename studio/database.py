"""Opens the ledger's database and brings it to the newest shape."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(folder: Path) -> Engine:
    """The SQLite database in `folder`, made or migrated where it must be.

    Raises OSError where it cannot be used: no database, locked, or made by a newer Freebrush.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ledger.db"
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            command.upgrade(config, "head")
    except (CommandError, DBAPIError) as error:
        says = getattr(error, "orig", error)
        raise OSError(f"{path} cannot be used: {says}") from error
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    """WAL lets readers and the one writer work side by side; waiting beats "database is locked".

    The driver must not open transactions by itself, or two of them could read the same budget
    before either writes: each of ours begins as a writer.
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
