"""What the errors of gradio_client, and of a Space on ZeroGPU behind it, mean for the router."""

from __future__ import annotations

import html
import re
from concurrent.futures import CancelledError
from datetime import datetime, timedelta, timezone

import httpx

from providers._answer import failure, said, words
from providers.base import Entry
from providers.errors import (
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)

SPENT = {"ZeroGPU quota exceeded", "ZeroGPU pending credits exceeded"}
TOO_LONG = "ZeroGPU illegal duration"
"""Titles of the `gr.Error` that the package `spaces` raises (0.51.3)."""

_SPENT = re.compile(r"exceeded your .{0,40}(quota|runs limit)|reached its GPU limit")
_TOO_LONG = re.compile(r"GPU duration .{0,20} is larger than the maximum")
"""The same by their texts, for Spaces whose Gradio is too old to send a title."""

_AGAIN = re.compile(r"Try again in (?:(-?\d+) days?, )?(\d+):(\d\d):(\d\d)")
"""How Python writes a timedelta."""

UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def unbuilt(error: Exception, host: str, key: str | None) -> ProviderError:
    """`error` came while the Space was asked what its API is: nothing has been accepted."""
    from gradio_client.exceptions import AuthenticationError
    from gradio_client.utils import TooManyRequestsError

    if isinstance(error, AuthenticationError):
        refused = "the key was refused" if key else "a key is asked for"
        return NotConfigured(f"{refused} by {host}")
    if isinstance(error, TooManyRequestsError):
        return RateLimited(f"too many requests at {host}")
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return NotConfigured("base_url is no http address")
    if isinstance(error, UNSENT):
        return Unreachable(f"nobody answers at {host}")
    if isinstance(error, httpx.TransportError):
        return Unreachable(f"{host} did not say in time what its API is")
    return Unavailable(
        f"{host} is asleep, paused or no Gradio app: it does not say what its API is"
    )


def translate(
    error: BaseException, entry: Entry, model: str, host: str, key: str | None
) -> ProviderError:
    """`error` came from the call that asks for the picture, or from the wait for it."""
    from gradio_client.exceptions import AppError, AuthenticationError, ValidationError
    from gradio_client.utils import QueueError, TooManyRequestsError

    if isinstance(error, AppError):
        return _raised(error.title, error.message, host, key)
    if isinstance(error, QueueError):
        return Unavailable(f"the queue of {host} is full")
    if isinstance(error, TooManyRequestsError):
        return RateLimited(f"too many requests at {host}")
    if isinstance(error, AuthenticationError):
        return NotConfigured(f"the key was refused by {host}")
    if isinstance(error, ValidationError):
        return Unsupported(f"{host} does not accept that: {words(str(error), key)}")
    if isinstance(error, httpx.HTTPStatusError):
        response = error.response
        return failure(response.status_code, response.headers, words(said(response.content), key))
    if isinstance(error, UNSENT):
        return Unreachable(f"nobody answers at {host}")
    if isinstance(error, httpx.TransportError):
        return entry.lost(model, f"{host} took the request and gave no whole answer")
    if isinstance(error, CancelledError):  # the SDK's word for a stream that has ended
        return entry.lost(model, f"{host} broke off before the picture was done")
    return Spoilt(f"the answer of {host} holds no picture and is not understood")


def _raised(title: object, message: object, host: str, key: str | None) -> ProviderError:
    """An exception inside the Space. Its message may be HTML; for one whose author did not turn
    error reports on, the SDK says no more than that.
    """
    text = words(html.unescape(str(message)), key)
    heading = words(str(title), key)
    if heading in SPENT or _SPENT.search(text):
        return QuotaExhausted(text, _resets_at(str(message)))
    if heading == TOO_LONG or _TOO_LONG.search(text):
        return Unsupported(f"more GPU time than this account may ask for at once: {text}")
    named = f"{heading}: " if heading not in ("", "Error", "None") else ""
    return Unavailable(f"{host} failed: {named}{text}")


def _resets_at(message: str) -> datetime | None:
    found = _AGAIN.search(message)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    wait = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return datetime.now(timezone.utc) + max(wait, timedelta(0))
