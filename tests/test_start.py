"""Starting and ending: the environment is honoured, and a wrong config stops the start."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tests.canned import in_base64
from tests.loopback import Answer, serve
from tests.running import ROOT, clean_environment, running, start_up_failure

GOOD = "providers:\n  sketch: {adapter: sketch}\n"
WRONG = [
    ("privcy: anyone\n" + GOOD, "line 1: privcy: unknown key; did you mean privacy?"),
    ("providers:\n  a: {adapter: nothing}\n", "line 2: providers.a.adapter: there is no adapter"),
    ("fallback: [b]\n" + GOOD, "line 1: fallback.0: there is no entry 'b'; known are sketch"),
    (
        "providers:\n  a:\n    adapter: sketch\n    models: [{id: m, usd: -1}]\n",
        "line 4: providers.a.models.0.usd: should be greater than or equal to 0, not -1",
    ),
    ("fallback: [\n" + GOOD, "not valid YAML"),
    ("a: b: c\n", "line 1: not valid YAML"),
]


@pytest.mark.parametrize(("config", "sentence"), WRONG, ids=lambda value: value[:20])
def test_a_wrong_config_stops_the_start_with_one_sentence(
    tmp_path: Path, config: str, sentence: str
) -> None:
    ended = start_up_failure(tmp_path, config)
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"Freebrush cannot start: {tmp_path / 'config.yaml'}")
    assert sentence in lines[0]


def test_a_config_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = start_up_failure(tmp_path, GOOD, FREEBRUSH_CONFIG=str(tmp_path / "none.yaml"))
    assert ended.returncode == 1
    assert "none.yaml: cannot be read" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = start_up_failure(tmp_path, GOOD, FREEBRUSH_DATA=str(tmp_path / "file" / "data"))
    assert ended.returncode == 1
    assert str(tmp_path / "file") in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_wrong_config_is_told_before_the_page_is_even_imported(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("wrong: 1\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import app\n"
        "try: app.main()\n"
        "except SystemExit: print('gradio' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, timeout=60,
        env=clean_environment(FREEBRUSH_CONFIG=str(tmp_path / "config.yaml")),
    )  # fmt: skip
    assert ended.stdout == "False False\n"


def test_the_shipped_config_gives_a_sample_and_a_local_server_by_its_address(
    tmp_path: Path,
) -> None:
    info = json.dumps({"seed": 5, "sd_model_name": "sd15"})
    answers = {
        "POST /sdapi/v1/txt2img": Answer(body={"images": [in_base64()], "info": info}),
        "GET /sdapi/v1/progress": Answer(body={"progress": 0.0, "state": {"interrupted": False}}),
    }
    with serve(answers) as painter, running(tmp_path, A1111_URL=painter.url) as app:
        assert (tmp_path / "data" / "ledger.db").exists()
        client = Client(app.url, verbose=False, analytics_enabled=False)
        _, drawn = client.predict("a fox", "sketch", api_name="/generate")
        _, painted = client.predict("a fox", api_name="/generate")
        assert (drawn["sample"], painted["sample"]) == (True, False)
        assert painted["provider"] == "automatic1111"
        assert httpx.get(app.url).headers["content-type"].startswith("text/html")
        app.process.send_signal(signal.SIGTERM)
        assert app.process.wait(10) == 0
        assert "Traceback" not in app.log
    with running(tmp_path, A1111_URL="http://127.0.0.1:9") as app:
        client = Client(app.url, verbose=False, analytics_enabled=False)
        table = client.predict(api_name="/costs")
        counts = {row[1]: row[11] for row in table["rows"]}
        assert (counts["sketch"], counts["automatic1111"]) == (1, 1)
