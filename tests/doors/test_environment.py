"""What the environment says is done, or refused with one sentence; and told to stop, it stops."""

from __future__ import annotations

import signal
import socket
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from studio.signing import Signer
from tests.canned import picture
from tests.loopback import Answer, serve
from tests.running import running, start_up_failure

SECRET = "a secret of our own"
GOOD = "providers:\n  sketch: {adapter: sketch}\n"
ENTRY = "providers:\n  a:\n    adapter: sketch\n"
WRONG: list[tuple[bytes, str]] = [
    (b"providers:\n  caf\xe9: {adapter: sketch}\n", ": is not UTF-8 text"),
    (b"", ", line 1: must be a mapping with the key providers"),
    (b"providers: {}\n", ", line 1: providers: must be a mapping of at least one provider"),
    (b"providers:\n\ta: 1\n", ", line 2: not valid YAML: "),
    (f"{ENTRY}  a: {{adapter: sketch}}\n".encode(), ", line 4: not valid YAML: the key 'a' "),
    (f"{ENTRY}    key: secret\n".encode(), ", line 4: providers.a.key: unknown key; did you mean"),
    (f"{ENTRY}    timeout: soon\n".encode(), ", line 4: providers.a.timeout: should be a number"),
    (f"{GOOD}budget:\n  usd_per_day: -1\n".encode(), ", line 4: budget.usd_per_day: should be"),
    (f"{GOOD}last_resort: b\n".encode(), ", line 3: last_resort: there is no entry 'b'; known"),
    (f"fallback:\n  - sketch\n  - a/b\n{GOOD}".encode(), ", line 3: fallback.1: there is no entry"),
]


@pytest.mark.parametrize(("config", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_config_ends_the_start_with_its_file_line_and_key(
    tmp_path: Path, config: bytes, sentence: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(config)
    ended = start_up_failure(tmp_path, GOOD, FREEBRUSH_CONFIG=str(path))
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"Freebrush cannot start: {path}{sentence}")
    assert not (tmp_path / "d").exists()  # nothing was made before the config was read


def test_a_config_that_is_a_folder_is_told(tmp_path: Path) -> None:
    ended = start_up_failure(tmp_path, GOOD, FREEBRUSH_CONFIG=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Freebrush cannot start: {tmp_path}: cannot be read: Is a directory\n"
    )  # fmt: skip


@pytest.mark.parametrize("port", ["web", "0", "-1", "65536", "78.60", "²"])
def test_a_port_that_is_none_is_refused_with_the_range(tmp_path: Path, port: str) -> None:
    ended = start_up_failure(tmp_path, GOOD, GRADIO_SERVER_PORT=port)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Freebrush cannot start: GRADIO_SERVER_PORT must be a port from 1 to 65535, not {port!r}\n"
    )


def test_a_port_that_is_taken_is_told_and_no_other_one_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = start_up_failure(tmp_path, GOOD, GRADIO_SERVER_PORT=port)
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("Freebrush cannot start: ")
    assert port in line


@pytest.mark.parametrize("newer", [False, True], ids=["no database", "a newer one"])
def test_a_ledger_that_cannot_be_used_is_told(tmp_path: Path, newer: bool) -> None:
    ledger = tmp_path / "d" / "ledger.db"
    ledger.parent.mkdir()
    if newer:
        with closing(sqlite3.connect(ledger)) as connection:
            connection.execute("create table alembic_version (version_num varchar(32))")
            connection.execute("insert into alembic_version values ('of_tomorrow')")
            connection.commit()
    else:
        ledger.write_bytes(b"no database" * 500)
    ended = start_up_failure(tmp_path, GOOD)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"Freebrush cannot start: {ledger} cannot be used: ")


def test_told_to_stop_it_settles_what_is_under_way_and_the_next_start_knows_it_all(
    tmp_path: Path,
) -> None:
    answers = {"/good": Answer(body=picture()), "/silent": Answer(fault="hang")}
    with serve(answers) as vendor:
        config = f"""
            last_resort: null
            providers:
              good: {{adapter: huggingface, base_url: "{vendor.url}/good", models: [{{id: a, usd: 0}}]}}
              silent: {{adapter: huggingface, base_url: "{vendor.url}/silent", models: [{{id: a, usd: 1}}]}}
            budget: {{usd_per_image: 1, usd_per_day: 9}}
        """
        with running(tmp_path, config, FREEBRUSH_SECRET=SECRET) as app:
            client = Client(app.url, verbose=False, analytics_enabled=False)
            _, receipt = client.predict("a fox", "good", api_name="/generate")
            client.submit("a fox", "silent", api_name="/generate")
            assert vendor.wait_for("/silent", 20)
            began = time.monotonic()
            app.process.send_signal(signal.SIGTERM)
            assert app.process.wait(10) == 0
            assert time.monotonic() - began < 5  # with a page open, and a call under way
            assert f"Freebrush is at {app.url} and keeps its data in {tmp_path}" in app.log
            assert "Traceback" not in app.log
        with running(tmp_path, config, FREEBRUSH_SECRET=SECRET) as app:
            client = Client(app.url, verbose=False, analytics_enabled=False)
            rows = {row[1]: row for row in client.predict(api_name="/costs")["rows"]}
            assert (rows["good"][11], rows["good"][12]) == (1, 1)
            assert (rows["silent"][11], rows["silent"][12]) == (1, 0)
            signer = Signer(SECRET.encode(), lambda: datetime.now(timezone.utc))
            assert httpx.get(app.url + signer.link(receipt["sha256"])).content == picture()
    assert not (tmp_path / "data" / "secret").exists()
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as ledger:
        settled = ledger.execute("select outcome, billed from attempts order by id").fetchall()
    assert settled == [("succeeded", "no"), ("outcome_unknown", "maybe")]
