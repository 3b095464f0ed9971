"""For all tests: nothing gets past loopback, and a page that complains fails its test."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests import network
from tests.chromium import ARGS, HELP, MISSING, MUST, boxed, find

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# First of all, while there is but one thread.
GUARD = network.Guard()

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1"
)  # fmt: skip


def pytest_configure() -> None:
    if GUARD.no_namespace and MUST and sys.platform == "linux":
        raise pytest.UsageError(
            "On a build server the tests need a network namespace of their own, "
            f"and there is none to be had ({GUARD.no_namespace}). Run them as root with "
            "CAP_SYS_ADMIN, or allow unprivileged user namespaces."
        )


def pytest_report_header() -> str:
    if GUARD.no_namespace:
        return f"network: Python is held on loopback; no namespace ({GUARD.no_namespace})"
    return "network: a namespace with nothing but loopback"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's sync API leaves a running event loop in this thread,
    in which no async test could start.
    """
    items.sort(key=_needs_chromium)


def pytest_collection_finish() -> None:
    if breach := GUARD.breach(browser=False):
        raise pytest.UsageError(f"importing the tests {breach}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        yield
    finally:
        if breach := GUARD.breach(browser=_needs_chromium(item)):
            pytest.fail(breach, pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    without = [*terminalreporter.getreports("skipped"), *terminalreporter.getreports("error")]
    if any(MISSING in str(report.longrepr) for report in without):
        terminalreporter.write_line(boxed(f"{MISSING}\n{HELP}"), red=True, bold=True)


@pytest.fixture(scope="session")
def guard() -> network.Guard:
    return GUARD


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Without a Chromium the test is left out; on a build server it fails."""
    path = find()
    if path is None:
        (pytest.fail if MUST else pytest.skip)(MISSING)
    return path


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; keywords are those of Playwright's `new_context`.

    At the end no page may have logged an error, thrown one, or asked another machine for anything,
    but for what the marker `complaints` allows.
    """
    complaints: list[str] = []
    contexts = []

    def asked(url: str) -> None:
        if network.leaves_the_machine(url):
            complaints.append(f"request: {url}")

    def new(**options: Any) -> Page:
        context = chromium.new_context(**{"locale": "en-US"} | options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        context.on("console", lambda m: m.type == "error" and complaints.append(f"log: {m.text}"))
        context.on("weberror", lambda error: complaints.append(f"error: {error.error}"))
        context.on("request", lambda request: asked(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: asked(socket.url)))
        return context.new_page()

    yield new
    for context in contexts:
        context.close()
    allowed = [text for mark in request.node.iter_markers("complaints") for text in mark.args]
    left = [line for line in complaints if not any(re.search(text, line) for text in allowed)]
    assert not left, "the page complained:\n" + "\n".join(left)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page in English, as wide as a laptop's."""
    return new_page()


def _needs_chromium(item: pytest.Item) -> bool:
    return "chromium" in getattr(item, "fixturenames", ())
