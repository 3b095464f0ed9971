"""The client of the official SDK, with all that it does on the way in our hands.

Left alone it waits for ever when it creates a prediction, asks up to ten times when it looks after
one, drops the headers and most of the body of an error, and cannot read a status that is newer
than itself. So what it sends goes out through a transport of ours.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from providers._answer import failure, said, words
from providers._rest import MOST, Reply
from providers.errors import (
    NotConfigured,
    ProviderError,
    Spoilt,
    Unavailable,
    Unreachable,
)

Ask = Callable[[Any], Awaitable[Any]]
"""A call of the SDK's client."""


class Refusal(Exception):
    """An answer that is no success: whole, and past the SDK's way of asking again."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Wire(httpx.AsyncBaseTransport):
    """Sends through `http`, whose timeouts hold. `reply` is the answer that came last."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.reply = Reply(0, {}, b"")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sending = self._http.stream(
            request.method, request.url, headers=request.headers, content=await request.aread()
        )
        async with sending as response:
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MOST:
                    raise httpx.DecodingError(f"the answer is larger than {MOST // 2**20} MiB")
        self.reply = Reply(response.status_code, response.headers, bytes(data))
        if not response.is_success:
            raise Refusal(self.reply)
        return httpx.Response(response.status_code, content=self.reply.body)


class Sdk:
    """The SDK's client for one key, and for one thing at a time."""

    def __init__(
        self, http: httpx.AsyncClient, root: str, host: str, key: str, headers: Mapping[str, str]
    ) -> None:
        from replicate.client import Client

        self._wire = Wire(http)
        self._client = Client(
            api_token=key, base_url=root, transport=self._wire, headers=dict(headers)
        )
        self._host = host
        self._key = key

    async def ask(
        self, ask: Ask, lost: Callable[[str], ProviderError] = Unavailable
    ) -> Mapping[str, Any]:
        """The JSON object that answers. `lost` makes the error for an answer that did not come
        whole. Raises a ProviderError.
        """
        unsent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        try:
            await ask(self._client)
        except Refusal as refusal:
            raise failure_of(refusal.reply, self._key) from refusal
        except unsent as error:
            raise Unreachable(f"nobody answers at {self._host}") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotConfigured("base_url is no http address") from error
        except httpx.TransportError as error:
            raise lost(f"{self._host} took the request and gave no whole answer") from error
        except httpx.RequestError as error:
            raise Spoilt(f"the answer of {self._host} could not be read") from error
        except (AttributeError, KeyError, TypeError, ValueError):
            pass  # the SDK's models are narrower than the service: see for ourselves
        answer = self._wire.reply.json()
        if not isinstance(answer, Mapping):
            raise Spoilt("the answer is not understood")
        return answer


async def load() -> None:
    """Import the SDK, which takes most of a second, in a thread."""
    await asyncio.to_thread(_import)


def _import() -> None:
    try:
        import replicate  # noqa: F401
    except ImportError as error:
        raise NotConfigured("replicate is not installed; run: pip install replicate") from error


def failure_of(reply: Reply, key: str) -> ProviderError:
    """What an answer that is no success means."""
    headers, text = dict(reply.headers), words(said(reply.body), key)
    if reply.status == 429 and not headers.get("retry-after"):
        headers["retry-after"] = _seconds_in(reply, text)
    return failure(reply.status, headers, text)


def _seconds_in(reply: Reply, text: str) -> str:
    """How long to wait: the field `retry_after`, or in the words `resets in ~5s`."""
    try:
        return str(reply.json()["retry_after"])
    except (KeyError, TypeError, Unavailable):
        found = re.search(r"~\s*(\d+)\s*s\b", text)
        return found[1] if found else ""
