"""Two apps for the browser: as it ships, with nothing set up; and one with a vendor on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.canned import picture
from tests.loopback import Answer, Request, Server, serve
from tests.running import Running, running

PNG = Answer(headers={"content-type": "image/png"}, body=picture("png", 256, 256))

CONFIG = """
fallback: [vendor, counted, dear, secret]
last_resort: null
providers:
  vendor:
    adapter: huggingface
    label: {en: Vendor, zh: 供应商}
    base_url: URL/picture
    timeout: 30
    models: [{id: some/first, usd: 0}, {id: some/other, usd: 0}]
    rating: 4
    sends_prompt_to: {who: company, where: vendor.example}
    source: https://vendor.example/prices
    as_of: "2026-08"
    confidence: official
    verified: wire
  counted:
    adapter: huggingface
    label: Counted
    base_url: URL/counted
    key_env: HF_TOKEN
    key_url: https://counted.example/keys
    key_steps: {en: Ask for a key., zh: 申请密钥。}
    models: [{id: counted/model, usd: 0.02}]
    free: {amount: 0.10, unit: usd, per: month, when_spent: stops}
    source: https://counted.example/prices
    as_of: "2020-02"
    confidence: third-party
  dear:
    adapter: huggingface
    label: Dear
    base_url: URL/dear
    models: [{id: dear/model, usd: 0.04}]
    verified: live 2026-11-24
  secret:
    adapter: huggingface
    label: Nobody knows
    base_url: URL/secret
    models: [{id: secret/model}]
"""


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("shipped")) as app:
        yield app


@dataclass
class Vendor:
    """A vendor that answers whatever the test of the moment wants."""

    answer: Answer = PNG
    server: Server = field(init=False)

    def __call__(self, _request: Request) -> Answer:
        return self.answer


@dataclass(frozen=True)
class House:
    app: Running
    vendor: Vendor

    def outcomes(self) -> list[str]:
        with closing(sqlite3.connect(self.app.folder / "data" / "ledger.db")) as ledger:
            return [row[0] for row in ledger.execute("select outcome from attempts order by id")]

    def wake(self) -> None:
        """Let nobody rest for what an earlier test did to it."""
        with closing(sqlite3.connect(self.app.folder / "data" / "ledger.db")) as ledger:
            ledger.execute("delete from rests")
            ledger.commit()


@contextmanager
def new_house(folder: Path) -> Iterator[House]:
    vendor = Vendor()
    with serve(vendor) as server:
        vendor.server = server
        with running(folder, CONFIG.replace("URL", server.url)) as app:
            yield House(app, vendor)
            server.release.set()


@pytest.fixture(scope="session")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with new_house(tmp_path_factory.mktemp("vendor")) as house:
        yield house


@pytest.fixture
def house(_house: House) -> Iterator[House]:
    _house.vendor.answer = PNG
    _house.wake()
    _house.vendor.server.release.clear()
    yield _house
    _house.vendor.server.release.set()


class Freebrush:
    """The page in the hands of a test."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url, wait_until="domcontentloaded")
        self.prompt = page.locator("#prompt textarea")
        self.result = page.locator("#result")
        self.plan = page.locator("#plan")
        self.run = page.locator("#run")
        self.stop = page.locator("#stop")
        self.image = self.result.locator("img")
        expect(self.plan.locator(".plan")).to_be_visible()  # Gradio and our words are there

    def make(self, prompt: str) -> Locator:
        """Type a prompt and press Ctrl+Enter; the picture once it is there."""
        self.prompt.fill(prompt)
        self.page.keyboard.press("Control+Enter")
        expect(self.image).to_be_visible()
        return self.image

    def open_costs(self) -> Locator:
        self.page.get_by_role("tab").nth(1).click()
        table = self.page.locator("table.costs")
        expect(table).to_be_visible()
        return table


@pytest.fixture
def at(new_page: Callable[..., Page]) -> Callable[..., Freebrush]:
    """Opens the page of an app; keywords are those of Playwright's `new_context`."""

    def open_it(app: Running, query: str = "", **options: Any) -> Freebrush:
        return Freebrush(new_page(**options), app.url + query)

    return open_it
