"""The HTTP API under `/sdapi/v1/` that AUTOMATIC1111's web UI began: one call, and its failures.

Also served by Forge and stable-diffusion.cpp, which differ in what they lack and how they fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from providers._answer import address, failure, said, words
from providers.base import Entry
from providers.errors import (
    NotConfigured,
    ProviderError,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)

NOTHING_SERVED = "Not Found"
"""The `detail` of FastAPI's 404: no such path. (A 404 about a sampler says something else.)"""


class NotServed(NotConfigured):
    """The server has no such path: it runs without `--api`, or it is a smaller relative."""


class Server:
    """The server of `entry`, as the one who holds `key` (`user:password`) may ask it."""

    def __init__(self, http: httpx.AsyncClient, entry: Entry, key: str | None) -> None:
        if not entry.base_url:
            variable = f" or {entry.base_url_env}" if entry.base_url_env else ""
            raise NotConfigured(f"no address is set: give base_url{variable}")
        try:
            parts = urlsplit(entry.base_url)
            host = parts.netloc.rpartition("@")[2]
            self._root = httpx.URL(urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")))
        except (ValueError, httpx.InvalidURL) as error:
            raise NotConfigured("base_url is no address") from error
        if parts.username and not key:
            key = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        self._http = http
        self._entry = entry
        self._key = key
        self.host = address(entry.base_url)

    async def ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        post: bool = False,
        seconds: float | None = None,
        lost: Callable[[str], ProviderError] = Unavailable,
    ) -> Any:
        """The JSON that `path` answers to a GET, or to a POST of `body`.

        `seconds` bounds each wait for a piece of the answer; `lost` makes the error for one that
        did not come or broke off. Raises a ProviderError.
        """
        user, _, password = (self._key or "").partition(":")
        try:
            response = await self._http.request(
                "POST" if post else "GET",
                f"{self._root}/sdapi/v1/{path}",
                json=body,
                auth=httpx.BasicAuth(user, password) if self._key else None,
                timeout=httpx.Timeout(seconds, connect=self._entry.connect_timeout),
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"nobody answers at {self.host}; is it running?") from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotConfigured("base_url is no http address") from error
        except httpx.TransportError as error:
            raise lost(f"{self.host} took the request and gave no whole answer") from error
        except httpx.RequestError as error:
            raise Spoilt(f"the answer of {self.host} could not be read") from error
        if not response.is_success:
            raise self._failure(response)
        return self._json(response)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return json.loads(response.content)
        except ValueError as error:
            kind = response.headers.get("content-type", "").partition(";")[0] or "nothing"
            kind = words(kind, self._key)
            raise Spoilt(f"{self.host} answers with {kind} and not with JSON") from error

    def _failure(self, response: httpx.Response) -> ProviderError:
        status, text = response.status_code, words(_said(response), self._key)
        if status in (401, 403):
            return self._not_let_in(status, text)
        if status == 404 and text == NOTHING_SERVED:
            return NotServed(f"{self.host} runs without --api; start it with --api")
        if status == 404 and "json" in response.headers.get("content-type", ""):
            return Unsupported(f"{self.host} says: {text}")
        if status == 404:
            return NotServed(f"{self.host} has no /sdapi/v1; is that the right address?")
        return failure(status, response.headers, text)

    def _not_let_in(self, status: int, text: str) -> NotConfigured:
        if self._key:
            said = f": {text}" if text else ""
            return NotConfigured(f"user and password were refused ({status}){said}")
        variable = self._entry.key_env or "the variable that key_env names"
        return NotConfigured(
            f"{self.host} asks for user and password ({status}): set {variable} to user:password"
        )


def _said(response: httpx.Response) -> str:
    """The server's words; before them, for a failure inside, the class of the exception."""
    text = said(response.content)
    try:
        kind = json.loads(response.content).get("error")
    except (AttributeError, ValueError):
        return text
    if response.status_code < 500 or not isinstance(kind, str) or kind == text:
        return text
    return f"{kind}: {text}" if text else kind
