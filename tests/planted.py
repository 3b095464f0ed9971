"""Tests that must not pass. test_guard.py runs them; pytest does not collect this name by itself.

Each goes out by another road and swallows whatever stops it. OUTSIDE is a listener past loopback
that notes who came: the path of the request, or the first line of HTTP/2 for gRPC.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

from tests.chromium import find

OUTSIDE = os.environ["OUTSIDE"]
HOST, PORT = OUTSIDE.split(":")

KNOCK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2) as sock:
    sock.sendall(b"GET /child HTTP/1.1\\r\\n\\r\\n")
    sock.recv(1)
"""


def test_page_asks_another_machine(page: Page) -> None:
    page.set_content(f"<img src='http://{OUTSIDE}/page'>")


def test_page_logs_an_error(page: Page) -> None:
    page.evaluate("console.error('red letters')")


def test_page_throws(page: Page) -> None:
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("new Promise(done => setTimeout(done, 50))")


@pytest.mark.complaints("log: red .*")
def test_page_logs_what_it_may(page: Page) -> None:
    page.evaluate("console.error('red letters')")


def test_chromium() -> None:
    with sync_playwright() as playwright, contextlib.suppress(PlaywrightError):
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        browser.new_page().goto(f"http://{OUTSIDE}/chromium", timeout=5000)


def test_grpc() -> None:
    import grpc

    with grpc.insecure_channel(OUTSIDE) as channel, contextlib.suppress(grpc.FutureTimeoutError):
        grpc.channel_ready_future(channel).result(timeout=1)


def test_child() -> None:
    subprocess.run([sys.executable, "-c", KNOCK, HOST, PORT], capture_output=True, check=False)


def test_httpx() -> None:
    import httpx

    with contextlib.suppress(httpx.HTTPError), httpx.Client(trust_env=False) as client:
        client.get(f"http://{OUTSIDE}/httpx", timeout=2)


def test_hub() -> None:
    from huggingface_hub import HfApi

    with contextlib.suppress(Exception):
        HfApi(endpoint=f"http://{OUTSIDE}/hub", token=False).whoami(token="hf_x")


def test_socket() -> None:
    with contextlib.suppress(OSError), socket.create_connection((HOST, int(PORT)), 2) as sock:
        sock.sendall(b"GET /socket HTTP/1.1\r\n\r\n")
        sock.recv(1)


def test_lookup() -> None:
    with contextlib.suppress(OSError):
        socket.getaddrinfo("freebrush.invalid", 443)


async def test_asyncio() -> None:
    """The last, and async: in a thread where Playwright's loop still ran, it could not start."""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(HOST, int(PORT))
        writer.write(b"GET /asyncio HTTP/1.1\r\n\r\n")
        await reader.read(1)
        writer.close()
