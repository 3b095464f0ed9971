"""What the AI Horde means by an answer that is no success. No I/O here.

Its codes (`rc`) are those of Haidra-Org/AI-Horde at fbd5ed46 (2026-08-06), horde/exceptions.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from providers._answer import failure, said, words
from providers._rest import Reply
from providers.errors import (
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)

SECONDS_UNSAID = 30
"""To wait where too many requests are answered without a time."""

SECONDS_TOO_LONG_TO_SAY = 4 * 24 * 3600
"""An address that is in timeout for longer is not told for how long."""


class Gone(Unavailable):
    """The job is not known, or not any more: there is no use in asking again."""


_BY_CODE: dict[str, type[ProviderError]] = {
    "InvalidAPIKey": NotConfigured,
    "UserNotFound": NotConfigured,
    "SharedKeyExpired": NotConfigured,
    "KudosUpfront": QuotaExhausted,
    "SharedKeyEmpty": QuotaExhausted,
    "SharedKeyInsufficientKudos": QuotaExhausted,
    "TimeoutIP": RateLimited,
    "TooManyPrompts": RateLimited,
    "CorruptPrompt": Refused,
    "RequestNotFound": Gone,
    "RequestExpired": Gone,
    "NoValidWorkers": Unavailable,
    "MaintenanceMode": Unavailable,
}


def refuse_failure(reply: Reply, key: str | None) -> None:
    """Raise what an answer without success means: by its `rc`, or else by its status."""
    if reply.status in (200, 202):
        return
    body = _object(reply.body)
    code = str(body.get("rc") or "")
    text = words(_detailed(said(reply.body), body.get("errors")), key) or words(code, key)
    kind = _BY_CODE.get(code)
    if kind is RateLimited:
        raise RateLimited(text, datetime.now(timezone.utc) + _wait(code, text))
    if kind is not None:
        raise kind(text)
    if reply.status == 400:
        raise Unsupported(text or "the request was not accepted")
    if reply.status == 403:
        raise NotConfigured(
            f"not allowed to us (403): {text}" if text else "not allowed to us (403)"
        )
    raise failure(reply.status, reply.headers, text)


def _wait(code: str, text: str) -> timedelta:
    """The seconds stand in the sentence and nowhere else."""
    seconds = re.search(r"(\d+) more seconds", text)
    unsaid = SECONDS_TOO_LONG_TO_SAY if code == "TimeoutIP" else SECONDS_UNSAID
    return timedelta(seconds=int(seconds[1]) if seconds else unsaid)


def _detailed(text: str, errors: Any) -> str:
    """Of a body that is not valid, `errors` says which fields: `{"params.width": "…"}`."""
    if not isinstance(errors, Mapping):
        return text
    return ": ".join(filter(None, (text, "; ".join(f"{k}: {v}" for k, v in errors.items()))))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
