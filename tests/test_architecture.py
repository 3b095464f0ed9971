"""`make lint` refuses what a floor may not import. Each rule is broken in a copy, to see that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORT_LINTER = "from importlinter.cli import lint_imports_command as lint; lint()"
LINT = {
    "ruff": ["-m", "ruff", "check", "--quiet", "--no-cache", "--select=TID", "."],
    "import-linter": ["-c", IMPORT_LINTER, "--no-logo", "--no-cache"],
}

LAZY = "def later() -> None:\n    "


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for floor in ("api", "providers", "studio", "ui"):
        shutil.copytree(
            ROOT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("__pycache__")
        )
    (tmp_path / "tests").mkdir()
    for file in ("app.py", "pyproject.toml", "tests/__init__.py", "tests/contracts.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


@pytest.mark.parametrize("linter", LINT)
def test_what_we_have_is_accepted(copy: Path, linter: str) -> None:
    run = _lint(copy, linter)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("file", "code", "linter", "complaint"),
    [
        ("studio", "import gradio", "ruff", "Only app.py, ui/ and api/ know Gradio"),
        ("providers", "from gradio import Blocks", "ruff", "Only app.py, ui/ and api/ know Gradio"),
        ("studio", LAZY + "import gradio", "import-linter", "Nothing below the page knows Gradio"),
        ("ui", "import huggingface_hub", "ruff", "TID253"),
        ("providers", "from replicate import Client", "ruff", "TID253"),
        ("app.py", "import openai", "ruff", "TID253"),
        ("ui", LAZY + "import huggingface_hub", "import-linter", "Only adapters know an SDK"),
        ("api", LAZY + "import openai", "import-linter", "Only adapters know an SDK"),
        ("studio", LAZY + "import grpc", "import-linter", "Only adapters know an SDK"),
        ("providers/base.py", LAZY + "import zai", "import-linter", "Only adapters know an SDK"),
        ("studio", "import providers.a", "import-linter", "Nobody imports an adapter"),
        ("ui", LAZY + "from providers import a", "import-linter", "Nobody imports an adapter"),
        ("providers", "from providers.a import x", "import-linter", "Nobody imports an adapter"),
        ("providers/base.py", "import providers.a", "import-linter", "Nobody imports an adapter"),
        ("api", "from providers import errors", "import-linter", "only providers.base is known"),
        ("ui", "import providers._b", "import-linter", "only providers.base is known"),
        ("providers", "import studio", "import-linter", "Imports go down only"),
        ("studio", LAZY + "import ui", "import-linter", "Imports go down only"),
        ("ui", "import api", "import-linter", "Imports go down only"),
        ("studio", "import app", "ruff", "app.py is the entry point"),
        ("studio", "from . import planted", "ruff", "TID252"),
    ],
)
def test_a_planted_import_is_refused(
    copy: Path, file: str, code: str, linter: str, complaint: str
) -> None:
    for neighbour in ("a", "_b"):
        (copy / "providers" / f"{neighbour}.py").touch()
    planted = copy / file if file.endswith(".py") else copy / file / "planted.py"
    with planted.open("a") as source:
        source.write(f"\n{code}\n")

    run = _lint(copy, linter)

    assert run.returncode == 1
    broken = [line for line in run.stdout.splitlines() if "KEPT" not in line]
    assert complaint in " ".join(broken)


def test_an_adapter_may_share_parts_and_import_its_sdk_where_it_uses_it(copy: Path) -> None:
    (copy / "providers" / "_b.py").touch()
    code = "import providers._b\nimport providers.base\n" + LAZY + "import huggingface_hub\n"
    (copy / "providers" / "planted.py").write_text(code)

    for linter in LINT:
        run = _lint(copy, linter)
        assert run.returncode == 0, run.stdout


def test_these_are_the_commands_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "-m ruff check" in makefile
    assert f"-c '{IMPORT_LINTER}'" in makefile


def _lint(folder: Path, linter: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *LINT[linter]], cwd=folder, capture_output=True, text=True, check=False
    )
