"""Finds a Chromium for the browser tests; `python -m tests.chromium` gets one if there is none."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGS = [
    "--no-sandbox",  # the sandbox refuses to run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm of a container is 64 MB
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Loopback needs neither of these; everything else, Chromium's own calls home too, ends here.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--proxy-server=127.0.0.1:9",
]

MUST = bool(os.environ.get("CI"))
"""Whether what is missing here is a failure: on a build server nothing is left out."""

MISSING = "There is no Chromium: the browser tests " + ("FAIL." if MUST else "are LEFT OUT.")
HELP = (
    "`make test` gets one as root on Debian; elsewhere try\n"
    "    .venv/bin/python -m playwright install --with-deps chromium\n"
    "or put chromium or google-chrome on PATH."
)


@functools.cache
def find() -> str | None:
    """The path of a Chromium that starts, or None."""
    on_path = (shutil.which(name) for name in NAMES)
    return next((path for path in on_path if path and _starts(path)), None) or _playwrights_own()


def install() -> bool:
    """Get a Chromium from Debian, else from Playwright. Whether there is one now."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        # The page is bilingual; without a Chinese font half of it would be boxes.
        packages = ["chromium", "fonts-noto-cjk"]
        _run("apt-get", "-qq", "update")
        _run("apt-get", "-qq", "-y", "install", "--no-install-recommends", *packages)
    find.cache_clear()
    if find() is None:
        _run(sys.executable, "-m", "playwright", "install", "chromium")
        find.cache_clear()
    return find() is not None


def boxed(text: str) -> str:
    """`text` in a frame that is hard to overlook."""
    lines = text.splitlines()
    width = max(map(len, lines))
    body = "\n".join(f"┃ {line:<{width}} ┃" for line in lines)
    return f"┏{'━' * (width + 2)}┓\n{body}\n┗{'━' * (width + 2)}┛"


def _starts(path: str) -> bool:
    """It may lack libraries, or be Ubuntu's chromium-browser, which only tells of a snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _run(*command: str) -> None:
    """Run and go on either way: whether it helped is seen by looking for the browser again."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        why = next((line for line in said if line.startswith(("E:", "Error"))), said[-1])
        print(f"    {' '.join(command)}: {why}", file=sys.stderr)


def main() -> int:
    if find():
        return 0
    print("Getting a Chromium for the browser tests (once, a minute or two)…", file=sys.stderr)
    if install():
        return 0
    print(boxed(f"{MISSING}\n{HELP}"), file=sys.stderr)
    return 1 if MUST else 0


if __name__ == "__main__":
    sys.exit(main())
