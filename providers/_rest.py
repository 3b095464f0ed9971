"""One call of a service's REST API, and whatever may go wrong on the way there and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx

from providers._answer import address
from providers._header import MAX_BYTES
from providers.base import Entry
from providers.errors import (
    NotConfigured,
    ProviderError,
    Spoilt,
    Unavailable,
    Unreachable,
)

MOST = MAX_BYTES * 3 // 2
"""Bytes of an answer: the largest picture in base64, and a little around it."""


class Reply(NamedTuple):
    """What came, whole: `headers` do not mind the case of names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises Spoilt if the body is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            kind = self.headers.get("content-type", "").partition(";")[0]
            what = "a web page" if kind == "text/html" else "something else"
            raise Spoilt(f"the answer is not JSON but {what}") from error


class Api:
    """The API at `root`, as `entry` may ask it. No redirect is followed, and no call repeated."""

    def __init__(self, entry: Entry, root: str) -> None:
        self._entry = entry
        self._root = root.rstrip("/")
        self._http: httpx.AsyncClient | None = None
        self.host = address(root)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        lost: Callable[[str], ProviderError] = Unavailable,
    ) -> Reply:
        """`body` is sent as JSON, `form` as multipart/form-data. `lost` makes the error for an
        answer that did not come whole. Raises a ProviderError.
        """
        parts = {name: (None, value) for name, value in form.items()} if form else None
        sent = {"authorization": f"Bearer {key}"} if key else {}
        try:
            async with self._client().stream(
                method,
                f"{self._root}/{path}",
                json=body,
                files=parts,
                headers={**sent, **(headers or {})},
            ) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > MOST:
                        raise Spoilt(f"the answer is larger than {MOST // 2**20} MiB")
                return Reply(response.status_code, response.headers, bytes(data))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"nobody answers at {self.host}") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotConfigured("base_url is no http address") from error
        except httpx.TransportError as error:
            raise lost(f"{self.host} took the request and gave no whole answer") from error
        except httpx.RequestError as error:
            raise Spoilt(f"the answer of {self.host} could not be read") from error

    async def aclose(self) -> None:
        if self._http:
            await self._http.aclose()
            self._http = None

    def _client(self) -> httpx.AsyncClient:
        if not self._http:
            timeout = httpx.Timeout(self._entry.timeout, connect=self._entry.connect_timeout)
            self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
        return self._http
