"""The database is made, kept up, and where it cannot be used, one sentence says so."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from studio import database
from studio.budget import left_today
from studio.config import Budget
from studio.database import open_database, reading
from studio.gallery import Gallery
from studio.leases import GONE, sweep
from studio.ledger import Ledger
from studio.rollups import figures
from studio.tables import attempts, metadata, meters, pictures, requests
from tests.studio.books import metered, recounted, rolled_up, rows
from tests.studio.conftest import OWNER
from tests.studio.fakes import NOON, Clock


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_a_fresh_database_has_exactly_the_tables_of_the_code(engine: Engine) -> None:
    assert differences(engine) == []


def test_the_comparison_with_the_tables_would_see_a_difference(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX attempts_by_provider")
        connection.exec_driver_sql("ALTER TABLE meters ADD COLUMN more TEXT")
    assert len(differences(engine)) == 2


@pytest.mark.parametrize("name", ["data", "a b", "50%", "%41", "what?x=1", "#1", "数据"])
def test_a_database_can_be_opened_again_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "new" / name
    for found in (0, 1):
        engine = open_database(folder)
        assert len(rows(engine, meters)) == found
        with engine.begin() as connection:
            connection.execute(meters.insert().values(scope=f"{found}", period="", amount=1))
        engine.dispose()
    assert (folder / "ledger.db").is_file()


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_every_usual_spelling_of_a_postgresql_address_works(
    postgres: Any, tmp_path: Path, scheme: str
) -> None:
    with postgres.database() as url:
        engine = open_database(tmp_path, url.replace("postgresql", scheme, 1))
        with engine.connect() as connection:
            version = connection.scalar(text("SHOW server_version"))
        assert version
        assert not (tmp_path / "ledger.db").exists()
        engine.dispose()


def _open_at_once(folder: Path, urls: list[str | None], start: Any, faults: Any) -> None:
    for number, url in enumerate(urls):
        start.wait(30)
        try:
            open_database(folder / str(number), url).dispose()
        except Exception as error:
            faults.put(repr(error))


def _processes_that_open_at_once(folder: Path, urls: list[str | None]) -> None:
    context = multiprocessing.get_context("spawn")
    start, faults = context.Barrier(4), context.SimpleQueue()
    several = [
        context.Process(target=_open_at_once, args=(folder, urls, start, faults))
        for _ in range(4)
    ]  # fmt: skip
    for process in several:
        process.start()
    for process in several:
        process.join()
    assert [process.exitcode for process in several] == [0] * 4
    assert faults.empty(), faults.get()
    for number, url in enumerate(urls):
        engine = open_database(folder / str(number), url)
        assert differences(engine) == []
        engine.dispose()


def test_processes_that_open_a_new_sqlite_file_at_once_do_not_disturb_each_other(
    tmp_path: Path,
) -> None:
    _processes_that_open_at_once(tmp_path, [None] * 20)


def test_processes_that_open_a_new_postgresql_at_once_do_not_disturb_each_other(
    tmp_path: Path, postgres: Any
) -> None:
    with postgres.database() as one, postgres.database() as two, postgres.database() as three:
        _processes_that_open_at_once(tmp_path, [one, two, three])


def test_a_ledger_of_a_newer_freebrush_is_left_alone_and_a_sentence_says_so(
    engine: Engine, tmp_path: Path, database_url: str | None
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OSError, match=r"cannot be used: .*9999"):
        open_database(tmp_path, database_url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/d", "DATABASE_URL must look like postgresql://user:password@host/database"),
        ("not an address secret", "DATABASE_URL must look like postgresql://user:password@host/database"),
        ("postgresql://u:secret@/d?host=/nowhere", "cannot be used"),
        ("postgresql://u:secret@127.0.0.1:9/d", "cannot be used"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_said_in_a_sentence_without_the_password(
    tmp_path: Path, url: str, says: str
) -> None:
    with pytest.raises(OSError, match=says) as error:
        open_database(tmp_path, url)
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"what is this? " * 100)
    with pytest.raises(OSError, match=r"ledger\.db cannot be used: file is not a database"):
        open_database(tmp_path)


_WITHOUT_A_DRIVER = """
import sys
sys.modules["psycopg"] = sys.modules["psycopg2"] = None
from pathlib import Path
from studio.database import open_database
try:
    open_database(Path(sys.argv[1]), "postgresql://u:secret@127.0.0.1:9/d")
except OSError as error:
    print(error)
"""


def test_a_missing_driver_is_said_with_the_command_that_installs_it(tmp_path: Path) -> None:
    script = [sys.executable, "-c", _WITHOUT_A_DRIVER, str(tmp_path)]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert said == "DATABASE_URL needs a driver; run: pip install 'psycopg[binary]>=3.2,<4'\n"


FIRST_SHAPE = """
INSERT INTO requests VALUES ('r1', '2026-03-13 10:00:00.000000', 'owner', 'a fox', '', 'auto', '',
    1024, 768, 4294967295, NULL, 3.5, 'aa11', '{"media_type": "image/jpeg"}');
INSERT INTO requests VALUES ('r2', '2026-03-14 11:00:00.000000', 'guest', '狐狸', 'no', 'b', 'n',
    64, 64, 0, 4, NULL, NULL, NULL);
INSERT INTO requests VALUES ('r3', '2026-03-14 11:30:00.000000', 'guest', 'again', '', 'auto', '',
    64, 64, 0, 4, NULL, 'aa11', '{"media_type": "image/jpeg"}');
INSERT INTO requests VALUES ('r4', '2026-03-14 11:59:00.000000', 'owner', 'late', '', 'auto', '',
    64, 64, 0, 4, NULL, NULL, NULL);
INSERT INTO attempts VALUES (1, 'r1', 'a', 'm', 'acc', '2026-03-13 10:00:00.000000', 'unavailable',
    'no', 0.5, 0, 'no', 'free', '2026-03-13 11:00:00.000000');
INSERT INTO attempts VALUES (2, 'r1', 'b', 'n', 'anonymous', '2026-03-13 10:00:01.000000',
    'succeeded', '', 2.5, 3000000, 'yes', 'budget', NULL);
INSERT INTO attempts VALUES (3, 'r2', 'b', 'n', 'anonymous', '2026-03-14 11:00:00.000000',
    'outcome_unknown', 'lost', 90, NULL, 'maybe', 'budget', NULL);
INSERT INTO attempts VALUES (4, 'r3', 'b', 'n', 'anonymous', '2026-03-14 11:30:00.250000',
    'succeeded', '', 3.5, NULL, 'yes', 'budget', NULL);
INSERT INTO attempts VALUES (5, 'r4', 'b', 'n', 'anonymous', '2026-03-14 11:59:00.000000',
    'started', '', 0, NULL, 'maybe', 'budget', NULL);
INSERT INTO attempts VALUES (6, 'r4', 'a', 'm', 'acc', '2026-03-14 11:59:01.000000',
    'started', '', 0, NULL, 'maybe', 'free', NULL);
INSERT INTO spending VALUES ('everybody', '2026-03-13', 3000000);
INSERT INTO spending VALUES ('everybody', '2026-03-14', 50000001);
INSERT INTO spending VALUES ('visitor guest', '2026-03-14', 20000000);
"""


@pytest.fixture
def first_shape(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    """A database as the first Freebrush left it, of rows in its own shape."""
    address = database_url and database._address(database_url)
    engine = database._engine(
        address or database.URL.create("sqlite", database=str(tmp_path / "ledger.db"))
    )
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(database._MIGRATIONS))
        command.upgrade(config, "0001")
        assert "meters" not in inspect(connection).get_table_names()
        for statement in filter(str.strip, FIRST_SHAPE.split(";\n")):
            connection.exec_driver_sql(statement)
        if database_url:
            connection.exec_driver_sql("SELECT setval('attempts_id_seq', 6)")
    yield engine
    engine.dispose()


def test_a_ledger_of_the_first_shape_comes_up_with_every_row_and_cent(
    first_shape: Engine, tmp_path: Path, database_url: str | None
) -> None:
    def old(connection: Any) -> list[Any]:
        columns = {
            "requests": "id, asked_at, visitor, prompt, negative_prompt, provider, model, width, "
            "height, seed, steps, guidance, sha256, receipt",
            "attempts": "id, request_id, provider, model, account, started_at, outcome, reason, "
            "seconds, cost_usd, billed, paid_by, retry_at",
        }
        return [
            list(connection.exec_driver_sql(f"SELECT {names} FROM {table} ORDER BY id"))
            for table, names in columns.items()
        ]

    with first_shape.connect() as connection:
        before = old(connection)
    assert [len(table) for table in before] == [4, 6]
    engine = open_database(tmp_path, database_url)
    assert differences(engine) == []
    with engine.connect() as connection:
        assert old(connection) == before
    assert metered(engine) == {
        ("everybody", "2026-03-13"): Decimal("0.003"),
        ("everybody", "2026-03-14"): Decimal("0.050000001"),
        ("visitor guest", "2026-03-14"): Decimal("0.02"),
    }
    with reading(engine) as connection:
        budget = Budget(usd_per_day=Decimal(1))
        assert left_today(connection, budget, OWNER, NOON) == Decimal("0.949999999")
    assert rolled_up(engine) == recounted(engine) != {}
    with reading(engine) as connection:
        known = figures(connection)["b", "n"]
    assert (known.pictures, known.successes, known.median_seconds) == (3, 2, 3.0)
    assert (known.spent_usd, known.unknown_costs) == (Decimal("0.003"), 2)
    assert [(row.sha256, row.media_type, row.starred) for row in rows(engine, pictures)] == [
        ("aa11", "image/jpeg", False)
    ]
    assert [row.ended_at is not None for row in rows(engine, requests)] == [True] * 4
    engine.dispose()


def test_what_ran_under_the_first_shape_is_settled_by_the_first_sweep(
    first_shape: Engine, tmp_path: Path, database_url: str | None
) -> None:
    engine = open_database(tmp_path, database_url)
    before = metered(engine)
    assert sweep(Ledger(engine, Clock()), Gallery(tmp_path / "pictures")) == 2
    settled = {row.id: row for row in rows(engine, attempts) if row.id > 4}
    assert [(row.outcome, row.reason, row.billed, row.cost_usd) for row in settled.values()] == [
        ("outcome_unknown", GONE, "maybe", None), ("outcome_unknown", GONE, "no", 0),
    ]  # fmt: skip
    assert all(0 <= row.seconds < 1000 for row in settled.values())
    assert metered(engine) == before
    assert rolled_up(engine) == recounted(engine)
    assert (
        sweep(Ledger(engine, Clock(NOON + timedelta(days=1))), Gallery(tmp_path / "pictures")) == 0
    )
    engine.dispose()


def test_the_first_new_attempt_after_a_migration_gets_a_number_of_its_own(
    first_shape: Engine, tmp_path: Path, database_url: str | None
) -> None:
    engine = open_database(tmp_path, database_url)
    with engine.begin() as connection:
        new = {
            "request_id": "r9", "provider": "a", "model": "m", "account": "acc", "started_at": NOON,
            "outcome": "started", "reason": "", "seconds": 0.0, "billed": "maybe",
            "paid_by": "free", "process": "p", "holds": "[]", "fault": "",
        }  # fmt: skip
        (number,) = connection.execute(attempts.insert().values(new)).inserted_primary_key or (0,)
    assert number == 7
    engine.dispose()
