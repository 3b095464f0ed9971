"""What the status of a gRPC call to Stability means for the router. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Callable

from providers._answer import words
from providers.errors import (
    Gone,
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unavailable,
    Unsupported,
)

_RATE = re.compile(r"\brate\b|\btoo many\b|\bthrottl|\bper (second|minute|hour)\b", re.IGNORECASE)
_BALANCE = re.compile(r"\bbalance\b|\bcredits?\b", re.IGNORECASE)
"""One code stands for no credit and for too often, and another for no credit and for no permission;
only the details tell them apart.
"""


def failure_of(
    code: str,
    details: str,
    key: str,
    is_broken: Callable[[], bool],
    lost: Callable[[str], ProviderError],
) -> ProviderError:
    """`code` is the name of a grpc.StatusCode; `is_broken` tells whether the connection has
    gone, which may take it a moment.
    """
    text = words(details, key)
    reason = f" ({code.lower()}): {text}" if text else f" ({code.lower()})"
    if code == "RESOURCE_EXHAUSTED":
        if "message larger than max" in details:  # our own side says so, of a picture that came
            return lost("the picture is larger than the SDK takes")
        if _RATE.search(details) and not _BALANCE.search(details):
            return RateLimited("too many requests" + reason)
        return QuotaExhausted("the credit is used up" + reason)
    if code == "PERMISSION_DENIED" and _BALANCE.search(details):
        return QuotaExhausted("the credit is used up" + reason)
    if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return NotConfigured("the key was refused" + reason)
    if code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"):
        return Unsupported("the request was not accepted" + reason)
    if code in ("NOT_FOUND", "UNIMPLEMENTED"):
        return Gone("that is not served there" + reason)
    if code in ("DEADLINE_EXCEEDED", "CANCELLED"):
        return lost("no answer in time")
    if is_broken():
        return lost("the connection broke off after the request")
    return Unavailable("the server failed" + reason, again=True)
