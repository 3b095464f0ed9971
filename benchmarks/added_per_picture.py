"""What a picture costs over the bare SDK call: checks, plan, router, hash, file, ledger."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from benchmarks.row import Row, row
from studio.config import load_config
from studio.studio import Studio
from studio.visitor import Visitor
from tests.canned import picture
from tests.loopback import Answer, serve

ROUNDS = 60
WARM_UP = 5
SIDES = {"100 kB": 184, "2 MB": 834}
"""Noise does not compress: a side gives a PNG of about this size."""

CONFIG = """
fallback: [stub]
providers:
  stub: {adapter: huggingface, base_url: "URL", models: [{id: some/model, usd: 0}]}
"""


def measure() -> Iterator[Row]:
    for size, side in SIDES.items():
        answer = Answer(headers={"content-type": "image/png"}, body=picture("png", side, side))
        with serve(answer) as server, tempfile.TemporaryDirectory() as folder:
            ours, floor = asyncio.run(_in_turns(server.url, Path(folder)))
        yield row(f"one picture of {size}, over the bare SDK", ours, floor)


async def _in_turns(url: str, folder: Path) -> tuple[list[float], list[float]]:
    from huggingface_hub import AsyncInferenceClient

    (folder / "config.yaml").write_text(CONFIG.replace("URL", url))
    studio = Studio(load_config(folder / "config.yaml"), folder, {})
    asked = studio.check(prompt="a boat", provider="stub", width=256, height=256, seed=1)
    client = AsyncInferenceClient(base_url=url, token="none")
    me = Visitor("owner", owner=True)
    ours, floor = [], []
    for number in range(WARM_UP + ROUNDS):
        bare = await _seconds(lambda: client.text_to_image("a boat", width=256, height=256, seed=1))
        whole = await _seconds(lambda: studio.generate(asked, me))
        if number >= WARM_UP:
            ours.append(whole)
            floor.append(bare)
    await client.close()
    await studio.aclose()
    return ours, floor


async def _seconds(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began
