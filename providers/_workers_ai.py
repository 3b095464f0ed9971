"""What Cloudflare's Workers AI answers: a picture, or a code that says why not. No I/O here.

The codes are those of developers.cloudflare.com/workers-ai/platform/errors (2026-07-29), and those
that were seen.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

from providers._answer import failure, has_code, said, words
from providers._rest import Reply
from providers.errors import (
    Gone,
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    Refused,
    Spoilt,
    Unavailable,
)

SPENT = {"3036", "4006"}
"""Today's neurons are used up, as documented and as seen."""

REFUSED = {"3030", "8007"}
"""The input prompt contains NSFW content."""

NOT_SERVED = {"3042", "5007", "7000", "7003"}
"""No such model, or no such path."""

NO_ENTRY = {"10000"}


def picture_in(reply: Reply, key: str | None) -> bytes:
    """The bytes of the picture: of some models they are the answer, of others they stand in it.
    Raises a ProviderError.
    """
    if reply.status != 200:
        raise failure_in(reply, key)
    if reply.headers.get("content-type", "").startswith("image/"):
        return reply.body
    answer = reply.json()
    if not is_success(answer):
        raise failure_in(reply, key)
    result = answer.get("result")
    image = result.get("image") if isinstance(result, dict) else None
    if not isinstance(image, str):
        raise Spoilt("the answer holds no picture")
    try:
        return base64.b64decode(image.rpartition(",")[2])
    except ValueError as error:
        raise Spoilt("the picture in the answer cannot be decoded") from error


def is_success(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("success") is not False


def failure_in(reply: Reply, key: str | None) -> ProviderError:
    """What an answer without success means: by its code where it has one, or its status."""
    text = words(said(reply.body), key)
    if has_code(reply.body, SPENT):
        return QuotaExhausted(f"today's neurons are used up: {text}", _midnight())
    if has_code(reply.body, REFUSED):
        return Refused(text or "the prompt is not allowed")
    if has_code(reply.body, NOT_SERVED):
        return Gone(f"that is not served there: {text}")
    if has_code(reply.body, NO_ENTRY):
        return NotConfigured(f"the key was refused: {text}")
    if reply.status == 200:
        return (
            Unavailable(f"the service failed: {text}")
            if text
            else Spoilt("the answer is no picture")
        )
    return failure(reply.status, reply.headers, text)


def _midnight() -> datetime:
    """When the day's neurons are given anew: 00:00 UTC."""
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
