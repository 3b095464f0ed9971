"""Who is asking: the owner of this installation, or a guest of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Visitor:
    """`owner` may spend the day's budget; anybody else only what the owner grants a visitor."""

    id: str
    owner: bool = False


def visitor_of(headers: Mapping[str, str], environ: Mapping[str, str]) -> Visitor:
    """The visitor behind a request with these headers (names in lower case).

    The owner is whoever sits at this machine: the server listens on loopback, the request names
    loopback, and nothing on the way (a proxy, a tunnel, a Space) can have carried it here.
    """
    bound = environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    public = environ.get("SPACE_ID") or environ.get("GRADIO_SHARE", "").lower() in ("true", "1")
    forwarded = any(n == "forwarded" or n.startswith("x-forwarded-") for n in headers)
    host = headers.get("host", "")
    name = (host if host.endswith("]") else host.rsplit(":", 1)[0]).strip("[]")
    owner = not public and not forwarded and _is_loopback(bound) and _is_loopback(name)
    return Visitor("owner" if owner else "guest", owner)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
