"""Starts the processes of `tests.studio.worker`, and leaves none behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from studio.database import open_database
from studio.gallery import Gallery
from studio.leases import sweep
from studio.ledger import LEASE, Ledger

ROOT = Path(__file__).parents[2]


class Child(subprocess.Popen[bytes]):
    """A worker; what it prints goes into a file, so that it never waits for a reader."""

    def __init__(self, orders: str, out: Path) -> None:
        self._out = out
        command = [sys.executable, "-m", "tests.studio.worker", orders]
        with out.open("wb") as words:
            super().__init__(command, cwd=ROOT, stdout=words)

    def await_lines(self, number: int) -> None:
        """Until so many of its requests have come to something."""
        until = time.monotonic() + 60
        while time.monotonic() < until and self.poll() is None:
            if self._out.read_bytes().count(b"\n") >= number:
                return
            time.sleep(0.01)
        raise AssertionError(f"{self._out.read_text()}\n{self.returncode}")

    def await_halt(self) -> None:
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def go_on(self) -> list[dict[str, Any]]:
        self.send_signal(signal.SIGCONT)
        return self.said()

    def said(self) -> list[dict[str, Any]]:
        """What came of its requests, when it has ended."""
        assert self.wait(100) == 0
        return [json.loads(line) for line in self._out.read_text().splitlines()]


class Children:
    """Processes with one data folder and one database."""

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder, self._url = folder, url
        self._started: list[Child] = []
        self.engine = open_database(folder, url)
        self.gallery = Gallery(folder / "pictures")

    def start(self, **orders: Any) -> Child:
        text = json.dumps({"folder": str(self.folder), "url": self._url or "", **orders})
        child = Child(text, self.folder / f"child {len(self._started)}")
        self._started.append(child)
        return child

    def run(self, **orders: Any) -> list[dict[str, Any]]:
        """What came of the requests of a process that was left alone."""
        return self.start(**orders).said()

    def sweep_a_lease_later(self) -> int:
        """What somebody would settle who comes by when every lease of now has run out."""
        ahead = LEASE + timedelta(seconds=1)
        later = Ledger(self.engine, lambda: datetime.now(timezone.utc) + ahead)
        return sweep(later, self.gallery)

    def close(self) -> None:
        for child in self._started:
            if child.poll() is None:
                child.kill()
            child.wait()
        self.engine.dispose()


@contextmanager
def children(folder: Path, url: str | None) -> Iterator[Children]:
    several = Children(folder, url)
    try:
        yield several
    finally:
        several.close()
