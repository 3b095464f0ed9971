"""A Space: as a canned one, that can break at any place, and (run as a program) as a real one.

The canned one says what a Gradio 6 app with the API of the FLUX.1-schnell Space says, shortened to
what the SDK reads: its API, an event for a job, the stream of that event, and the file it names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from providers import zerogpu
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Answers

KEY = "hf_a_key_that_nobody_must_see"
MODEL = "black-forest-labs/FLUX.1-schnell"
INLINE = False

PARAMETERS = {
    "prompt": "prompt",
    "seed": "seed",
    "randomize_seed": False,
    "width": "width",
    "height": "height",
    "num_inference_steps": "steps",
}
SPACE: dict[str, Any] = {
    "api_name": "/infer",
    "parameters": PARAMETERS,
    "sides": {"min": 32, "max": 2048, "step": 32},
    "max_steps": 50,
    "max_seed": 2**31 - 1,
}
FILE = "/tmp/gradio/1a2b/image.webp"
JOIN, STREAM, CANCEL = (
    "POST /gradio_api/queue/join",
    "GET /gradio_api/queue/data",
    "POST /gradio_api/cancel",
)
CONFIG = "GET /config"
FETCH = f"GET /gradio_api/file={FILE}"
DEFAULTS = {"prompt": None, "seed": 0, "randomize_seed": True, "num_inference_steps": 4}

PLACES = {"asked": JOIN, "config": CONFIG, "stream": STREAM, "file": FETCH}


def entry(url: str | None, **more: Any) -> Entry:
    settings: dict[str, Any] = {
        "timeout": 5.0,
        "models": (Model(MODEL, Decimal(0)),),
        "options": {"spaces": {MODEL: SPACE}},
        **more,
    }
    return zerogpu.TRAITS.complete(Entry("zerogpu", "zerogpu", base_url=url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    return {
        CONFIG: Answer(body=config()),
        "GET /gradio_api/info": Answer(body=api()),
        JOIN: asked or Answer(body={"event_id": "e1"}),
        STREAM: stream(completed({"data": [{"path": FILE}, 7]})),
        FETCH: picture or Answer(headers={"content-type": "image/webp"}, body=canned("webp")),
        CANCEL: Answer(body={"success": True}),
    }


def config() -> dict[str, Any]:
    kinds = ["textbox", "slider", "checkbox", "slider", "slider", "slider", "image", "slider"]
    return {
        "version": "6.31.0",
        "protocol": "sse_v3",
        "api_prefix": "/gradio_api",
        "connect_heartbeat": False,
        "components": [{"id": n, "type": kind, "props": {}} for n, kind in enumerate(kinds)],
        "dependencies": [
            {
                "id": 0,
                "api_name": "infer",
                "api_visibility": "public",
                "backend_fn": True,
                "inputs": [0, 1, 2, 3, 4, 5],
                "outputs": [6, 7],
            }
        ],
    }


def api() -> dict[str, Any]:
    parameters = [
        {
            "parameter_name": name,
            "parameter_has_default": name != "prompt",
            "parameter_default": DEFAULTS.get(name, 1024),
        }
        for name in PARAMETERS
    ]
    infer = {"parameters": parameters, "returns": [], "api_visibility": "public"}
    return {"named_endpoints": {"/infer": infer}, "unnamed_endpoints": {}}


def stream(*messages: dict[str, Any]) -> Answer:
    lines = [f"data: {json.dumps({'event_id': 'e1', **one})}\n\n" for one in messages]
    lines.append('data: {"msg": "close_stream"}\n\n')
    return Answer(headers={"content-type": "text/event-stream"}, body="".join(lines))


def completed(output: dict[str, Any], success: bool = True) -> dict[str, Any]:
    return {"msg": "process_completed", "output": output, "success": success}


@contextmanager
def real_space() -> Iterator[str]:
    """A real Gradio app in a process of its own; its address."""
    url = dead_url()
    env = {
        **os.environ,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SERVER_PORT": url.rpartition(":")[2],
    }
    command = [sys.executable, "-m", "tests.wire.zerogpu.rig"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    import httpx

    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            if httpx.get(url + "/config", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
        if process.poll() is not None:
            break
    process.kill()
    raise AssertionError(f"no Space: {process.stdout.read().decode() if process.stdout else ''}")


def main() -> None:
    """A Space with the API of FLUX.1-schnell's, which does what the prompt says."""
    import asyncio
    import tempfile

    import gradio as gr

    log: list[str] = []
    folder = Path(tempfile.mkdtemp())

    async def infer(
        prompt: str,
        seed: float = 0,
        randomize_seed: bool = True,
        width: float = 1024,
        height: float = 1024,
        num_inference_steps: float = 4,
        progress: gr.Progress = gr.Progress(),
    ) -> tuple[Any, float]:
        if prompt.startswith("raise "):
            raise gr.Error(**json.loads(prompt[6:]), print_exception=False)
        if prompt == "crash":
            raise RuntimeError("no details, please")
        try:
            if prompt == "hang":
                log.append("hangs")
                progress((3, 12), desc="painting")
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        form = prompt if prompt in ("png", "jpeg", "webp") else "webp"
        file = folder / f"{prompt.replace(' ', '-')}.{form}"
        file.write_bytes(canned(form, int(width), int(height)))
        log.append(f"{prompt} {seed} {randomize_seed} {num_inference_steps}")
        return str(file), seed + 1000 * randomize_seed

    def read_log() -> list[str]:
        return log

    with gr.Blocks() as space:
        words = gr.Text()
        numbers = [
            gr.Slider(0, 2**31 - 1, value=0, step=1),
            gr.Checkbox(value=True),
            gr.Slider(32, 2048, value=1024, step=32),
            gr.Slider(32, 2048, value=1024, step=32),
            gr.Slider(1, 50, value=4, step=1),
        ]
        made = gr.Image(), numbers[0]
        gr.Button().click(infer, [words, *numbers], [*made], api_name="infer")
        gr.api(read_log, api_name="log", queue=False)
    space.queue(max_size=1).launch(allowed_paths=[str(folder)], quiet=True)


if __name__ == "__main__":
    main()
