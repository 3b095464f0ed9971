"""What the errors of huggingface_hub and of its transport, httpx2, mean for the router."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from PIL import Image, UnidentifiedImageError

from providers._answer import address, failure, has_code, said, words
from providers.base import Entry
from providers.errors import (
    Defect,
    Gone,
    NotConfigured,
    ProviderError,
    Refused,
    Spoilt,
    Unreachable,
    Unsupported,
)

POLICY_CODES = {"content_policy_violation"}
"""fal-ai's, with 422, in a list or a mapping."""


def translate(
    error: Exception, entry: Entry, model: str, key: str | None, *, sent: bool
) -> ProviderError:
    """`error` in our words. `sent`: it came from the call that asks for the picture, so what
    follows the POST (the SDK then polls for the picture, or fetches it) follows an accepted job.
    """
    import httpx2
    from huggingface_hub.errors import InferenceTimeoutError, OfflineModeIsEnabled

    response = _response_behind(error)
    if response is not None:
        if sent and response.request.method != "POST":
            return entry.lost(model, f"the picture could not be fetched ({response.status_code})")
        return _answered(response, model, key)
    cause = error.__cause__ if isinstance(error, InferenceTimeoutError) else error
    if isinstance(cause, httpx2.TransportError):
        return _unanswered(cause, entry, model, sent)
    if isinstance(error, OfflineModeIsEnabled):
        return NotConfigured("huggingface_hub is told to stay offline (HF_HUB_OFFLINE)")
    if isinstance(error, httpx2.InvalidURL):
        return NotConfigured("base_url is no address")
    if isinstance(error, httpx2.RequestError):
        return Spoilt("the answer could not be read")
    if isinstance(error, (UnidentifiedImageError, Image.DecompressionBombError)):
        return Spoilt("the answer is not a picture")
    if isinstance(error, TimeoutError):  # the SDK's word for a Replicate job without a picture
        return entry.lost(model, "the job gave no picture within the minute it was waited for")
    if isinstance(error, (AttributeError, LookupError, TypeError, ValueError)):
        if sent:
            return Spoilt("the answer is not a picture and says nothing that is understood")
        return Unsupported(f"{words(model)} is no model that Hugging Face knows")
    return Defect(f"huggingface_hub failed with {type(error).__name__}")


def _answered(response: Any, model: str, key: str | None) -> ProviderError:
    status, text = response.status_code, words(said(response.content), key)
    if 400 <= status < 500 and has_code(response.content, POLICY_CODES):
        return Refused(text or "the content policy does not allow this prompt")
    if status in (404, 410) or response.headers.get("x-error-code") == "RepoNotFound":
        more = f": {text}" if text else ""
        return Gone(f"{model} is not served there ({status}){more}")
    return failure(status, response.headers, text)


def _unanswered(error: Any, entry: Entry, model: str, sent: bool) -> ProviderError:
    """`error` is an httpx2.TransportError, whose request is known or not."""
    import httpx2

    request = None
    with suppress(RuntimeError):  # httpx2's way to say that it has none
        request = error.request
    host = address(str(request.url)) if request is not None else "Hugging Face"
    unsent = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
        httpx2.LocalProtocolError,
    )
    first = request is None or request.method == "POST"
    if not sent or (first and isinstance(error, unsent)):
        return Unreachable(f"nobody answers at {host}")
    return entry.lost(model, f"{host} took the request and gave no whole answer")


def _response_behind(error: BaseException) -> Any:
    """The HTTP answer that led to `error`, or None.

    On a JSON list as error body the SDK stumbles while it makes its own error (an AttributeError),
    so the answer hangs on the exception before.
    """
    answers = (getattr(link, "response", None) for link in _chain(error))
    return next((answer for answer in answers if answer is not None), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
