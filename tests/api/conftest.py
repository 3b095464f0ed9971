"""One app and one vendor for all tests of the doors: each entry is a path of the vendor."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from gradio_client import Client

from tests.canned import picture
from tests.loopback import Answer, Server, serve
from tests.running import Running, running

KEY = "hf_a_key_that_must_not_be_seen_anywhere"
PNG = picture("png", 96, 80)

VENDOR: dict[str, Answer] = {
    "/good": Answer(headers={"content-type": "image/png"}, body=PNG),
    "/jpeg": Answer(headers={"content-type": "image/jpeg"}, body=picture("jpeg", 96, 80)),
    "/webp": Answer(headers={"content-type": "image/webp"}, body=picture("webp", 96, 80)),
    "/401": Answer(401, {}, {"error": f"Invalid token {KEY}"}),
    "/402": Answer(402, {}, {"error": "You have depleted your monthly included credits."}),
    "/410": Answer(410, {}, {"error": "The requested model is deprecated"}),
    "/429": Answer(429, {"retry-after": "60"}, {"error": "Too Many Requests"}),
    "/503": Answer(503, {}, {"error": "Service Temporarily Unavailable"}),
    "/html": Answer(headers={"content-type": "text/html"}, body="<html>Sign in</html>"),
    "/nothing": Answer(fault="close"),
    "/silent": Answer(fault="hang"),
    "/half": Answer(headers={"content-type": "image/png"}, body=PNG, fault="break_off"),
    "/truncated": Answer(headers={"content-type": "image/png"}, body=PNG[: len(PNG) // 2]),
    "/refused": Answer(422, {}, [{"type": "content_policy_violation", "msg": "no"}]),
}

HEAD = """
fallback: [good]
last_resort: null
budget: {usd_per_image: 0.05, usd_per_day: 100}
providers:
  sketch: {adapter: sketch}
"""


def entries(url: str) -> str:
    """For each path a free entry and a paid one: `e401`, `paid401`."""
    lines = []
    for path in VENDOR:
        for kind, usd in (("", 0), ("paid", 0.01)):
            name = kind + path.strip("/") if kind or path[1:].isalpha() else "e" + path.strip("/")
            lines.append(
                f"  {name}: {{adapter: huggingface, key_env: TEST_KEY, base_url: '{url}{path}', "
                f"timeout: 3, models: [{{id: some/model, usd: {usd}}}]}}"
            )
    return "\n".join(lines)


@dataclass(frozen=True)
class House:
    """The running app, the vendor it asks, and a client of it."""

    app: Running
    vendor: Server
    client: Client

    def generate(self, **asked: Any) -> tuple[bytes, dict[str, Any]]:
        """The picture's bytes and its receipt."""
        path, receipt = self.client.predict(api_name="/generate", **asked)
        with open(path, "rb") as file:
            return file.read(), receipt

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.app.folder / "data" / "ledger.db")) as ledger:
            return ledger.execute(sql).fetchall()

    def post(self, path: str, body: Any) -> str:
        """What a raw HTTP call of `/generate` ends with, as the stream of events has it."""
        call = self.app.url + "gradio_api/call/"
        answer = httpx.post(
            call + path, content=json.dumps(body), headers={"content-type": "application/json"}
        )
        if answer.status_code != 200:
            return f"{answer.status_code} {answer.text}"
        event = answer.json()["event_id"]
        return httpx.get(f"{call}generate/{event}", timeout=20).text


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with serve(VENDOR) as vendor:
        config = HEAD + entries(vendor.url)
        with running(folder, config, TEST_KEY=KEY) as app:
            files = str(folder / "downloads")
            client = Client(app.url, verbose=False, analytics_enabled=False, download_files=files)
            yield House(app, vendor, client)
            vendor.release.set()
