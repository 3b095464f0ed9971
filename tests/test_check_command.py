"""`python app.py --check` and `--live`, as a person at a terminal has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from api.terminal import described
from providers.base import Quota
from studio.checkup import Checked
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Server, serve
from tests.running import ROOT, clean_environment
from tests.wire.automatic1111 import rig as automatic1111
from tests.wire.openai_images import rig as openai_images

KEY = openai_images.KEY
PNG = Answer(headers={"content-type": "image/png"}, body=picture("png"))
SKETCH = "providers:\n  sketch: {adapter: sketch}\n"
Ended = subprocess.CompletedProcess[str]


def run(
    folder: Path, config: str, *switches: str, app: Path = ROOT / "app.py", **more: str
) -> Ended:
    """What comes of `python app.py` with these switches, without a terminal."""
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(app), *switches], env=environment(folder, **more),
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60, cwd=folder,
    )  # fmt: skip


def environment(folder: Path, **more: str) -> dict[str, str]:
    return clean_environment(
        FREEBRUSH_CONFIG=str(folder / "config.yaml"), FREEBRUSH_DATA=str(folder / "data"), **more
    )


@pytest.fixture
def hosts() -> Iterator[dict[str, Server]]:
    refuses = Answer(401, {}, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(serve(answers))
            for name, answers in {
                "good": {
                    **dict(automatic1111.stage()),  # type: ignore[arg-type]
                    "GET /sdapi/v1/sd-models": Answer(body=[{"title": "sd15", "model_name": "sd15"}]),
                    "GET /sdapi/v1/options": Answer(body={"sd_model_checkpoint": "sd15"}),
                },
                "keyed": openai_images.stage(),
                "refuses": refuses,
                "hangs": Answer(fault="hang"),
            }.items()
        }  # fmt: skip


def config_of(hosts: dict[str, Server]) -> str:
    return f"""
fallback: [dead, hangs, refused, keyed, unset, good]
providers:
  good: {{adapter: automatic1111, base_url: "{hosts["good"].url}"}}
  keyed:
    adapter: openai_images
    key_env: TEST_KEY
    base_url: "{hosts["keyed"].url}/v1"
    models: [{{id: flux, usd: 0}}]
  refused:
    adapter: openai_images
    key_env: TEST_KEY
    base_url: "{hosts["refuses"].url}/v1"
    models: [{{id: flux, usd: 0}}]
  hangs:
    adapter: openai_images
    key_env: TEST_KEY
    timeout: 1.5
    base_url: "{hosts["hangs"].url}/v1"
    models: [{{id: flux, usd: 0}}]
  dead: {{adapter: automatic1111, base_url: "{dead_url()}"}}
  unset: {{adapter: huggingface, key_env: ANOTHER_KEY, models: [{{id: m, usd: 0}}]}}
  sketch: {{adapter: sketch}}
"""


def test_each_entry_has_a_line_in_the_order_of_the_plan(
    tmp_path: Path, hosts: dict[str, Server]
) -> None:
    started = time.monotonic()
    ended = run(tmp_path, config_of(hosts), "--check", TEST_KEY=KEY)
    assert time.monotonic() - started < 30
    *rows, empty, last = ended.stdout.splitlines()
    assert [row.split()[:2] for row in rows] == [
        ["dead", "-"], ["hangs", "-"], ["refused", "-"], ["keyed", "ready"], ["unset", "-"],
        ["good", "ready"], ["sketch", "sample"],
    ]  # fmt: skip
    starts = {row.index(row.split(maxsplit=2)[2]) for row in rows}
    assert len(starts) == 1
    assert "nobody answers at 127.0.0.1" in rows[0]
    assert "the key was refused" in rows[2]
    assert "no key: set ANOTHER_KEY" in rows[4]
    assert (empty, last) == ("", "2 of 7 can make a picture now: keyed, good")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert KEY not in ended.stdout
    painted = [r.path for host in hosts.values() for r in host.requests if r.method == "POST"]
    assert not painted
    assert not (tmp_path / "data").exists()


def test_where_nobody_but_the_sample_can_it_ends_with_1(tmp_path: Path) -> None:
    ended = run(tmp_path, SKETCH, "--check")
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0].startswith("sketch  sample  ")
    assert ended.stdout.splitlines()[-1] == "0 of 1 can make a picture now"


def test_without_its_sdk_an_entry_says_what_to_install_and_gradio_is_not_imported(
    tmp_path: Path, hosts: dict[str, Server]
) -> None:
    (tmp_path / "config.yaml").write_text(config_of(hosts), encoding="utf-8")
    code = (
        "import sys; sys.modules['openai'] = None; sys.path.insert(0, sys.argv[1]); import app\n"
        "try: app.main(['--check'])\n"
        "except SystemExit as end: print(end.code, 'gradio' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], capture_output=True, encoding="utf-8",
        env=environment(tmp_path, TEST_KEY=KEY), timeout=60,
    )  # fmt: skip
    lines = ended.stdout.splitlines()
    assert sum("pip install openai" in line for line in lines) == 3
    assert lines[-2] == "1 of 7 can make a picture now: good"
    assert lines[-1] == "0 False"
    assert ended.stderr == ""


def test_what_is_left_has_its_unit_its_limit_and_its_dates() -> None:
    now = datetime(2026, 11, 24, 9, 31, tzinfo=timezone.utc)
    later = datetime(2026, 12, 1, tzinfo=timezone.utc)
    most = Quota(Decimal(80), Decimal("120.5"), "gpu_seconds", later, now)
    least = Quota(Decimal("7E+1"), None, "credits", None, now)
    rows = [Checked("a", True, "fine", most), Checked("longer", False, "no", least)]
    assert described(rows).splitlines() == [
        "a       ready   fine [80 of 120.5 gpu_seconds left, resets 2026-12-01 00:00 UTC,"
        " as of 2026-11-24 09:31 UTC]",
        "longer  -       no [70 credits left, as of 2026-11-24 09:31 UTC]",
        "",
        "1 of 2 can make a picture now: a",
    ]


def test_words_that_the_terminal_cannot_show_do_not_stop_it(tmp_path: Path) -> None:
    answers = {
        "GET /sdapi/v1/sd-models": Answer(body=[{"title": "水墨", "model_name": "水墨"}]),
        "GET /sdapi/v1/options": Answer(body={"sd_model_checkpoint": "水墨"}),
    }
    with serve(answers) as host:
        config = f'providers:\n  a: {{adapter: automatic1111, base_url: "{host.url}"}}\n'
        ended = run(tmp_path, config, "--check", PYTHONIOENCODING="ascii")
    assert "1 model, ?? loaded" in ended.stdout
    assert ended.returncode == 0


def test_help_names_the_switches_and_an_unknown_one_ends_with_2(tmp_path: Path) -> None:
    told = run(tmp_path, SKETCH, "--help")
    assert told.returncode == 0
    assert "--check" in told.stdout
    assert "--live" in told.stdout
    for wrong in (["--chekc"], ["--check", "--live"], ["more"]):
        ended = run(tmp_path, SKETCH, *wrong)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "app.py: error: " in ended.stderr
        assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("switch", ["--check", "--live"])
def test_a_wrong_config_is_one_sentence_here_too(tmp_path: Path, switch: str) -> None:
    ended = run(tmp_path, "privcy: anyone\n" + SKETCH, switch)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Freebrush cannot start: ")
    assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The product with READMEs of its own."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("app.py", "README.md", "README.zh-CN.md"):
        shutil.copy(ROOT / name, tree)
    for name in ("api", "providers", "studio", "ui"):
        (tree / name).symlink_to(ROOT / name)
    return tree


def priced(url: str) -> str:
    """Two at 3 cents and one at 1, of which 4 cents can be asked; a free one; one without a price."""
    entries = {"first": 0.03, "second": 0.03, "cheap": 0.01, "free": 0}
    lines = [
        f'  {name}: {{adapter: huggingface, base_url: "{url}/{name}", models: [{{id: m, usd: {usd}}}]}}\n'
        for name, usd in entries.items()
    ]
    unknown = (
        f'  unknown: {{adapter: huggingface, base_url: "{url}/unknown", models: [{{id: m}}]}}\n'
    )
    return "providers:\n" + "".join(lines) + unknown + "  sketch: {adapter: sketch}\n"


def at_a_terminal(tree: Path, config: str, answer: str) -> tuple[int, str]:
    """`python app.py --live` whose input is a terminal at which this is typed."""
    pty = pytest.importorskip("pty")
    (tree / "config.yaml").write_text(config, encoding="utf-8")
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, str(tree / "app.py"), "--live"], env=environment(tree),
            stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        os.write(ours, answer.encode())
        said, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, said


def live_rows(readme: Path) -> list[list[str]]:
    text = readme.read_text(encoding="utf-8")
    table = text.partition("<!-- live -->")[2].partition("<!-- end of live -->")[0]
    rows = [line for line in table.splitlines() if line][2:]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]


def test_without_a_terminal_nobody_is_asked(tree: Path) -> None:
    with serve(PNG) as host:
        ended = run(tree, priced(host.url), "--live", app=tree / "app.py")
        assert host.requests == []
    assert ended.returncode == 1
    assert ended.stderr == "Nobody was asked: that takes a yes at a terminal, and there is none.\n"
    assert live_rows(tree / "README.md")[0][1] == "no live run yet"


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "yep\n"])
def test_without_a_yes_nobody_is_asked(tree: Path, answer: str) -> None:
    with serve(PNG) as host:
        code, said = at_a_terminal(tree, priced(host.url), answer)
        assert host.requests == []
    assert code == 1
    assert "3 to ask, for $0.04 at list prices; the ceiling is $0.05" in said
    assert "Nobody was asked." in said


def test_after_a_yes_each_that_can_be_afforded_is_asked_once_and_written_down(tree: Path) -> None:
    for name in ("README.md", "README.zh-CN.md"):
        text = (tree / name).read_text(encoding="utf-8")
        old = "| old | m | succeeded | 1.0 | $0 | 2026-01-02 |\n\n<!-- end of live -->"
        (tree / name).write_text(text.replace("\n<!-- end of live -->", old), encoding="utf-8")
    with serve(PNG) as host:
        code, said = at_a_terminal(tree, priced(host.url), "y\n")
        assert sorted(r.path for r in host.requests) == ["/cheap", "/first", "/free"]
    assert code == 0
    assert "second (m): with its $0.03 the round would pass $0.05" in said
    assert "unknown (m): over budget: its price is unknown and no ceiling is set for it" in said
    day = f"{time.strftime('%Y-%m-%d', time.gmtime())}"
    assert f"in config.yaml, under cheap: verified: live {day}" in said
    for name in ("README.md", "README.zh-CN.md"):
        old_row, *rows = live_rows(tree / name)
        assert old_row == ["old", "m", "succeeded", "1.0", "$0", "2026-01-02"]
        assert [(row[0], row[2], row[4], row[5]) for row in rows] == [
            ("free", "succeeded", "$0", day), ("cheap", "succeeded", "$0.01", day),
            ("first", "succeeded", "$0.03", day),
        ]  # fmt: skip


def test_one_that_is_lost_is_paid_for_in_full_and_no_other_is_paid_after_it(tree: Path) -> None:
    answers = {"/free": PNG, "/cheap": Answer(fault="close"), "/first": PNG}
    with serve(answers) as host:
        code, said = at_a_terminal(tree, priced(host.url), "y\n")
        assert sorted(r.path for r in host.requests) == ["/cheap", "/free"]
    assert code == 0
    assert "left out: another paid one may have been billed" in said
    rows = {row[0]: row[2:5:2] for row in live_rows(tree / "README.md")}
    assert rows == {"free": ["succeeded", "$0"], "cheap": ["outcome_unknown", "unknown"]}


def test_a_readme_that_cannot_be_written_is_one_sentence(tree: Path) -> None:
    (tree / "README.md").unlink()
    (tree / "README.md").mkdir()
    with serve(PNG) as host:
        code, said = at_a_terminal(tree, priced(host.url), "y\n")
    assert code == 0
    assert "README.md stays as it is: Is a directory" in said
    assert "Traceback" not in said
    assert len(live_rows(tree / "README.zh-CN.md")) == 3
