"""What the errors of the openai package, of its transport (httpx2) and of the hosts it speaks to
mean for the router.
"""

from __future__ import annotations

from collections.abc import Callable

from providers._answer import failure, has_code, said, words
from providers._rest import Reply
from providers.errors import (
    Defect,
    NotConfigured,
    ProviderError,
    QuotaExhausted,
    Refused,
    Spoilt,
    Unavailable,
    Unreachable,
)

REFUSED = {"content_policy_violation", "moderation_blocked"}
SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
"""`type` or `code` of an error; insufficient_quota comes with 429, billing_hard_limit_reached
with 400.
"""


def translate(
    error: Exception, host: str, key: str | None, lost: Callable[[str], ProviderError]
) -> ProviderError:
    """`error`, raised by the SDK or while its answer was read, in our words; `lost` makes the one
    for an answer that did not come whole.
    """
    import httpx2
    from openai import APIConnectionError, APIStatusError

    if isinstance(error, APIStatusError):
        response = error.response
        return failure_of(Reply(response.status_code, response.headers, response.content), key)
    cause = error.__cause__ if isinstance(error, APIConnectionError) else error
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    if isinstance(cause, unsent):
        return Unreachable(f"nobody answers at {host}")
    if isinstance(
        cause, (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)
    ):
        return NotConfigured("base_url is no http address")
    if isinstance(cause, httpx2.TransportError):
        return lost(f"{host} took the request and gave no whole answer")
    if isinstance(cause, httpx2.RequestError):
        return Spoilt(f"the answer of {host} could not be read")
    return Defect(f"openai failed with {type(error).__name__}")


def failure_of(reply: Reply, key: str | None) -> ProviderError:
    """What an answer without a picture means; such a one may come with status 200 too. The error
    may be an object, as OpenAI has it, or just a text, as stable-diffusion.cpp does.
    """
    text = words(said(reply.body), key)
    if has_code(reply.body, REFUSED):
        return Refused(text or "the content policy does not allow this prompt")
    if has_code(reply.body, SPENT):
        return QuotaExhausted(f"the credit is used up: {text}")
    if reply.status == 200:
        return (
            Unavailable(f"the service failed: {text}")
            if text
            else Spoilt("the answer holds no picture")
        )
    return failure(reply.status, reply.headers, text)
