"""Short-lived signed links to pictures: whoever was shown one may fetch it for a while."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

VALID_FOR = timedelta(hours=12)


class Signer:
    """Signs and checks links with one secret."""

    def __init__(self, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock

    def link(self, sha256: str, **query: str) -> str:
        """The address of a picture, relative to the page, good for `VALID_FOR`."""
        until = int((self._clock() + VALID_FOR).timestamp())
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return f"pictures/{sha256}?until={until}&sign={self._sign(sha256, until)}{more}"

    def is_good(self, sha256: str, until: str, sign: str) -> bool:
        """Whether this link is ours and its time is not over."""
        if not until.isdecimal() or len(until) > 12 or int(until) < self._clock().timestamp():
            return False
        expected = self._sign(sha256, int(until))
        return hmac.compare_digest(expected.encode(), sign.encode("utf-8", "replace"))

    def _sign(self, sha256: str, until: int) -> str:
        message = f"{sha256} {until}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]


def load_secret(environ: Mapping[str, str], folder: Path) -> bytes:
    """FREEBRUSH_SECRET, else one kept in the data folder, readable for its owner only."""
    if given := environ.get("FREEBRUSH_SECRET"):
        return given.encode()
    path = folder / "secret"
    with suppress(FileNotFoundError):
        if kept := path.read_text():
            return kept.encode()
        path.unlink()  # nothing may ever be signed with an empty secret
    part = folder / f".secret.{secrets.token_hex(4)}"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(part, path)
    except FileExistsError:
        pass  # another process was first: its secret is ours
    except OSError:
        part.replace(path)
    part.unlink(missing_ok=True)
    return path.read_text().encode()
