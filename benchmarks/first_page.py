"""From the start of the process to the first page, beside Gradio's hello world."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.row import Row, row
from tests.running import ROOT, clean_environment, free_port

ROUNDS = 5
HELLO = """
import gradio as gr
with gr.Blocks() as page:
    gr.Textbox(label="prompt")
page.launch(ssr_mode=False, quiet=True)
"""


def measure() -> Iterator[Row]:
    ours, floor = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS + 1):
            floor.append(_start(["-c", HELLO], folder))
            ours.append(_start([str(ROOT / "app.py")], folder))
    yield row("process start to first page, over Gradio's hello world", ours[1:], floor[1:])


def _start(command: list[str], folder: str) -> float:
    port = free_port()
    environ = clean_environment(
        FREEBRUSH_DATA=str(Path(folder) / "data"), GRADIO_SERVER_PORT=str(port),
        GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=folder,
    )  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command], env=environ, cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            while process.poll() is None:
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                    page.read()
                    return time.perf_counter() - began
                time.sleep(0.01)
        finally:
            process.terminate()
    raise SystemExit(f"{command[0]} ended with {process.returncode} before it served a page")
