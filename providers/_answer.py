"""Reads an HTTP answer that is no picture: what it says, and what that means for the router."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from providers.errors import (
    Gone,
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unavailable,
    Unsupported,
)

LONGEST = 200
"""Characters of a vendor's own words that are passed on."""

_HIDDEN = "[hidden]"
_TEXT_KEYS = ("detail", "message", "msg", "errors", "error")


def failure(status: int, headers: Mapping[str, str], text: str) -> ProviderError:
    """The error for an HTTP status that is no success; `text` is fit to show, or empty."""
    said = f" ({status}): {text}" if text else f" ({status})"
    if status in (401, 403):
        return NotConfigured("the key was refused" + said)
    if status == 402:
        return QuotaExhausted("the credit is used up" + said, retry_at(headers))
    if status == 429:
        return RateLimited("too many requests" + said, retry_at(headers))
    if status in (404, 410):
        return Gone("that is not served there" + said)
    if 400 <= status < 500 and status != 408:
        return Unsupported("the request was not accepted" + said)
    if status >= 400:
        return Unavailable("the server failed" + said, again=True)
    return Unavailable("the server sends us elsewhere" + said)


def retry_at(headers: Mapping[str, str]) -> datetime | None:
    """When to come again (UTC), by `Retry-After` (seconds or a date) or `RateLimit: …;t=<s>`.

    `headers` must not mind the case of names. The draft behind `RateLimit` is
    draft-ietf-httpapi-ratelimit-headers; Hugging Face sends `"api";r=0;t=55`.
    """
    value = headers.get("retry-after", "").strip()
    seconds = re.fullmatch(r"(\d+)(?:\.\d+)?", value) or re.search(
        r"\bt\s*=\s*(\d+)", "" if value else headers.get("ratelimit", "")
    )
    try:
        if seconds:
            return datetime.now(timezone.utc) + timedelta(seconds=int(seconds[1]))
        date = parsedate_to_datetime(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return date.replace(tzinfo=date.tzinfo or timezone.utc).astimezone(timezone.utc)


def words(text: str, *secrets: str | None) -> str:
    """`text` on one line, without tags and without `secrets`, and no longer than `LONGEST`."""
    text = _hide(text, secrets)
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<[a-z!/][^>]*>", " ", text)
    text = _hide(" ".join(text.split()), secrets)
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def said(body: bytes) -> str:
    """The vendor's words in the body of an error: whichever field has them, or the plain text."""
    text = body.decode("utf-8", "replace")
    try:
        return _text_of(json.loads(text))
    except ValueError:
        return text


def has_code(body: bytes, codes: Collection[str]) -> bool:
    """Whether a JSON body gives one of `codes` as its `type` or `code`, however deep."""
    try:
        found = set(_codes_in(json.loads(body)))
    except ValueError:
        return False
    return not found.isdisjoint(codes)


def address(url: str) -> str:
    """The host, and the port where one is named, of `url`: fit to show, no user, no password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "that address"
    return (parts.hostname or "that address") + port


def _hide(text: str, secrets: Collection[str | None]) -> str:
    """A key may come back as it is, in an address, or (`user:password`) in Basic's coding."""
    known = {part for secret in secrets if secret for part in (secret, secret.partition(":")[2])}
    known |= {quote(part, safe="") for part in known}
    known |= {base64.b64encode(secret.encode()).decode() for secret in secrets if secret}
    for part in sorted(filter(None, known), key=len, reverse=True):
        text = text.replace(part, _HIDDEN)
    return text


def _text_of(value: Any) -> str:
    if isinstance(value, Mapping):
        text = next((text for key in _TEXT_KEYS if (text := _text_of(value.get(key)))), "")
        place = value.get("loc")
        if text and isinstance(place, list):
            return f"{'.'.join(map(str, place))}: {text}"
        return text
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text_of, value)))
    return value if isinstance(value, str) else ""


def _codes_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _codes_in(item)
    elif isinstance(value, Mapping):
        yield from (str(value[key]) for key in ("type", "code", "error_type") if key in value)
        for item in value.values():
            yield from _codes_in(item)
