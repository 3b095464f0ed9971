"""The guard holds, and what it holds would get out without it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import network

ROOT = Path(__file__).parent.parent
ROADS = {"/asyncio", "/child", "/chromium", "/grpc", "/httpx", "/hub", "/socket"}

# An address that documentation may use (RFC 5737). On our loopback interface it is "outside" to a
# guarded process, which has another loopback interface, and near to any other process of ours.
ABROAD = "198.51.100.7"
SIOCSIFADDR = 0x8916
OWN_ADDRESS = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("203.0.113.1", 9))
print(sock.getsockname()[0])
"""


class Listener(socketserver.ThreadingTCPServer):
    """Notes who knocks, and answers any of them."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Door)
        self.knocks: set[str] = set()
        self.address = f"{host}:{self.server_address[1]}"


class _Door(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        words = self.rfile.readline().decode().split()
        path = words[1] if len(words) > 1 else "/in silence"
        self.server.knocks.add("/grpc" if path == "*" else f"/{path.split('/')[1]}")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")


@pytest.fixture
def outside(guard: network.Guard) -> Iterator[Listener]:
    with contextlib.ExitStack() as stack:
        if guard.no_namespace:
            asked = subprocess.run([sys.executable, "-c", OWN_ADDRESS], capture_output=True)
            if asked.returncode:
                pytest.skip("this machine has no address but loopback")
            host = asked.stdout.decode().strip()
        else:
            host = stack.enter_context(_second_address())
        listener = stack.enter_context(Listener(host))
        threading.Thread(target=listener.serve_forever, args=[0.05], daemon=True).start()
        stack.callback(listener.shutdown)
        yield listener
        guard.breach(browser=True)  # what the planted tests tried is no fault of ours


@pytest.mark.usefixtures("chromium_path")
def test_without_the_guard_every_road_leads_out(outside: Listener) -> None:
    run = _run_planted(outside, "--noconftest", "-k", "not page")

    assert outside.knocks >= ROADS  # Chromium also asks for an icon
    assert "8 passed" in run.stdout


@pytest.mark.usefixtures("chromium_path")
def test_with_it_no_road_does_and_every_test_that_tried_fails(
    outside: Listener, guard: network.Guard
) -> None:
    if guard.no_namespace:
        pytest.skip("without a namespace not every road is closed")
    run = _run_planted(outside)

    assert outside.knocks == set()
    faults = _faults(run.stdout)
    for road in ("asyncio", "httpx", "hub", "socket"):
        assert faults.pop(road) == f"tried to reach past loopback: {outside.address}"
    assert faults.pop("lookup") == "tried to reach past loopback: freebrush.invalid"
    for road in ("chromium", "grpc", "child"):
        assert "a C library or a child process tried to reach past loopback" in faults.pop(road)
    _assert_only_pages_complained(faults, outside)
    assert "test_page_logs_what_it_may" in re.findall(r"^PASSED \S+::(\w+)", run.stdout, re.M)


@pytest.mark.usefixtures("chromium_path")
def test_without_a_namespace_python_grpc_and_our_browser_are_still_held(outside: Listener) -> None:
    run = _run_planted(outside, "-k", "not child and not chromium", namespace=False)

    assert outside.knocks == set()
    faults = _faults(run.stdout)
    for road in ("asyncio", "httpx", "socket"):  # the hub asked the dead proxy
        assert faults.pop(road) == f"tried to reach past loopback: {outside.address}"
    assert faults.pop("lookup") == "tried to reach past loopback: freebrush.invalid"
    _assert_only_pages_complained(faults, outside)
    assert "no namespace (left out)" in run.stdout


def test_this_very_run_is_guarded(outside: Listener, guard: network.Guard) -> None:
    host, port = outside.server_address
    with pytest.raises(OSError, match="the tests may not reach"):
        socket.create_connection((host, port), 1)

    assert guard.breach(browser=False) == f"tried to reach past loopback: {outside.address}"
    assert guard.breach(browser=False) == ""
    if not guard.no_namespace:
        assert {name for _, name in socket.if_nameindex()} == {"lo"}


def test_a_build_server_must_have_a_namespace_and_a_browser(
    outside: Listener, guard: network.Guard
) -> None:
    run = _run_planted(outside, "-k", "socket", namespace=False, ci="true")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "On a build server the tests need a network namespace" in run.stderr

    if not guard.no_namespace:
        run = _run_planted(outside, "-k", "what_it_may", browser=False, ci="true")
        assert "1 error" in run.stdout
        assert "There is no Chromium: the browser tests FAIL." in run.stdout


def test_elsewhere_a_missing_browser_is_said_loudly(outside: Listener) -> None:
    run = _run_planted(outside, "-k", "what_it_may", browser=False)

    assert "1 skipped" in run.stdout
    assert "┃ There is no Chromium: the browser tests are LEFT OUT." in run.stdout


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, True),
        ("", True),
        (b"localhost", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("192.168.1.2", False),
        ("::ffff:192.168.1.2", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback_is_this_and_no_more(host: str | bytes | None, expected: bool) -> None:
    assert network.is_loopback(host) is expected


def _run_planted(
    outside: Listener, *args: str, namespace: bool = True, browser: bool = True, ci: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run planted.py in a pytest of its own, without a namespace or a browser if so asked."""
    code = "import pytest, sys, tests.chromium, tests.network\n"
    if not namespace:
        code += "tests.network.enter_namespace = lambda: 'left out'\n"
    if not browser:
        code += "tests.chromium.find = lambda: None\n"
    code += "sys.exit(pytest.main(sys.argv[1:]))"
    environment = {name: text for name, text in os.environ.items() if name not in network.PROXIES}
    return subprocess.run(
        [sys.executable, "-c", code, "tests/planted.py", "-rA", "-p", "no:cacheprovider", *args],
        env=environment | {"OUTSIDE": outside.address, "CI": ci, "COLUMNS": "300"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def _faults(output: str) -> dict[str, str]:
    """What pytest's summary says of each test that failed."""
    lines = re.findall(r"^(?:ERROR|FAILED) \S+::test_(\w+) - (?:Failed: )?(.*)", output, re.M)
    return dict(lines)


def _assert_only_pages_complained(faults: dict[str, str], outside: Listener) -> None:
    assert faults.keys() == {"page_asks_another_machine", "page_logs_an_error", "page_throws"}
    assert all("the page complained:" in fault for fault in faults.values())


@contextlib.contextmanager
def _second_address() -> Iterator[str]:
    alias = b"lo:1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = struct.pack("16sHH4s8x", alias, socket.AF_INET, 0, socket.inet_aton(ABROAD))
        fcntl.ioctl(sock, SIOCSIFADDR, address)
        yield ABROAD
        fcntl.ioctl(sock, network.SIOCSIFFLAGS, struct.pack("16sh", alias, 0))
