"""Starts Freebrush the way a person does, as a process of its own, and finds where it serves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEYS = (
    "HF_TOKEN", "A1111_URL", "COMFYUI_URL", "A1111_AUTH", "AIHORDE_API_KEY", "ZHIPU_API_KEY", "ZAI_API_KEY", "CLOUDFLARE_API_TOKEN", "MODELSCOPE_API_KEY",
    "REPLICATE_API_TOKEN", "STABILITY_API_KEY",
    "FREEBRUSH_CONFIG", "FREEBRUSH_SECRET", "SPACE_ID",
)  # fmt: skip
"""What must not leak from the machine of whoever runs the tests into the app under test."""

START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """An app that serves at `url` (ending in a slash) and keeps its data and log in `folder`."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.folder / "app.log").read_text()


def clean_environment(**more: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in KEYS} | more


@contextmanager
def running(folder: Path, config: str | None = None, **environ: str) -> Iterator[Running]:
    """Freebrush with this text for its config.yaml (None: the one that ships, kept on loopback)."""
    port = free_port()
    more = {
        "FREEBRUSH_DATA": str(folder / "data"),
        "GRADIO_SERVER_PORT": str(port),
        "HF_ENDPOINT": "http://127.0.0.1:9",  # where nobody answers: no test may go to the hub
        **environ,
    }
    (folder / "config.yaml").write_text(config or shipped_config(), encoding="utf-8")
    more["FREEBRUSH_CONFIG"] = str(folder / "config.yaml")
    with (folder / "app.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")], cwd=folder, env=clean_environment(**more),
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    app = Running(f"http://127.0.0.1:{port}/", folder, process)
    try:
        _wait_until_it_serves(app)
        yield app
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def shipped_config() -> str:
    """The config.yaml that ships, with the one host that needs neither key nor address moved to
    where nobody answers, and the same whether torch is installed here or not.
    """
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    horde = "    adapter: aihorde\n"
    assert text.count(horde) == 1
    order = "automatic1111, diffusers, zerogpu"
    assert text.count(order) == 1
    text = text.replace(order, "automatic1111, zerogpu")
    return text.replace(horde, f"{horde}    base_url: http://127.0.0.1:9/api/v2\n")


def start_up_failure(folder: Path, config: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What comes of starting with a config that cannot be used."""
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    more: Mapping[str, str] = {"FREEBRUSH_CONFIG": str(path), "FREEBRUSH_DATA": str(folder / "d")}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")], env=clean_environment(**{**more, **environ}),
        capture_output=True, text=True, timeout=START_SECONDS,
    )  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_until_it_serves(app: Running) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and app.process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(app.url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"Freebrush did not start:\n{app.log}")
