"""`python -m tests`: everything, in two halves at the same time; with arguments, `pytest` of those.

The adapters mostly wait for deadlines, the rest mostly computes. Each half is a pytest of its own:
the workers of pytest-xdist have threads before the guard of tests/network.py could shut them in.
"""

from __future__ import annotations

import subprocess
import sys
from tempfile import TemporaryFile

PYTEST = [sys.executable, "-m", "pytest"]
ADAPTERS = ["tests/providers"]
THE_REST = ["tests", "--ignore=tests/providers"]


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.run([*PYTEST, *arguments]).returncode
    with TemporaryFile() as kept:
        rest = subprocess.Popen([*PYTEST, *THE_REST], stdout=kept, stderr=subprocess.STDOUT)
        try:
            failed = subprocess.run([*PYTEST, *ADAPTERS]).returncode
            failed = rest.wait() or failed
        finally:
            rest.kill()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
