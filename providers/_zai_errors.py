"""What the errors of zai-sdk mean for the router: the code in the body decides, for an empty
account is HTTP 429 like a busy server. Codes: docs.z.ai/api-reference/api-code and
docs.bigmodel.cn/cn/api/api-code (2026).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from providers._answer import failure, retry_at, said, words
from providers.errors import (
    Defect,
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)

REFUSED = {"1301"}
BUSY = {"1302", "1303", "1305", "1312"}
SPENT = {"1113", "1304"} | {str(n) for n in (*range(1308, 1312), 1313, *range(1316, 1322))}
"""No balance, a limit of the day, the hours or the week, a plan that ended or lacks the model."""

NO_ENTRY = {"434"} | {str(n) for n in (*range(1000, 1005), *range(1110, 1122))} - SPENT
UNFIT = {str(n) for n in (*range(1210, 1216), 1220, 1221, 1222, 1261)}
"""The parameters are wrong, or the model is not served, or not to this account."""

BROKEN = {"500", "1234"}

BEIJING = timezone(timedelta(hours=8))
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?"
    r"(?: ?(Z\b|UTC|GMT)?(?:([+-]\d\d?):?([0-5]\d)?\b)?)?"
)


def translate(
    error: Exception, host: str, key: str, lost: Callable[[str], ProviderError]
) -> ProviderError:
    """`error`, raised by the SDK, in our words; `lost` makes the one for an answer that did not
    come whole.
    """
    from zai.core import APIStatusError

    if isinstance(error, APIStatusError):
        response = error.response
        return failure_of(response.status_code, response.headers, response.content, key)
    cause = error.__cause__ or error  # what httpx said is the cause of the SDK's error
    unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(cause, unsent):
        return Unreachable(f"nobody answers at {host}")
    if isinstance(cause, (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return NotConfigured("base_url is no http address")
    if isinstance(cause, httpx.TransportError):
        return lost(f"{host} took the request and gave no whole answer")
    if isinstance(cause, (httpx.RequestError, ValueError)):
        return Spoilt(f"the answer of {host} could not be read")
    return Defect(f"zai-sdk failed with {type(error).__name__}")


def failure_of(
    status: int, headers: Mapping[str, str], body: bytes, key: str | None
) -> ProviderError:
    """What an answer without a picture means; such a one may come with status 200 too."""
    code, text = _code_in(body), words(said(body), key)
    if code in REFUSED:
        return Refused(text or "the content policy does not allow this prompt")
    reason = f"({code}): {text}" if text else f"({code})"
    if code in SPENT:
        resets_at = reset_in(text) or retry_at(headers)
        return QuotaExhausted(f"the credit is used up {reason}", resets_at)
    if code in BUSY:
        return RateLimited(f"too many requests {reason}", retry_at(headers))
    if code in UNFIT:
        return Unsupported(f"the request was not accepted {reason}")
    if code in NO_ENTRY or status == 434:
        return NotConfigured(f"the key was refused {reason}")
    if code in BROKEN:
        return Unavailable(f"the server failed {reason}", again=True)
    if status == 200:
        return (
            Unavailable(f"the service failed: {text}")
            if text
            else Spoilt("the answer holds no picture")
        )
    return failure(status, headers, text)


def reset_in(text: str) -> datetime | None:
    """The instant (UTC) that `text` names. Without a zone it is Beijing's time, also at z.ai
    (can1357/oh-my-pi#11014, 2026-09-12).
    """
    found = _TIME.search(text)
    if not found:
        return None
    day, time, name, hours, minutes = found.groups()
    zone = timezone.utc if name else BEIJING
    try:
        if hours:
            sign = -1 if hours[0] == "-" else 1
            zone = timezone(timedelta(hours=int(hours), minutes=sign * int(minutes or 0)))
        at = datetime.fromisoformat(f"{day} {time}").replace(tzinfo=zone)
        return at.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None


def _code_in(body: bytes) -> str:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return ""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    return str(error.get("code", "")) if isinstance(error, Mapping) else ""
