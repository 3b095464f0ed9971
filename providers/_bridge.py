"""Lets a synchronous SDK that is built on httpx do its waiting on the event loop.

The SDK runs in a thread and is given an httpx.Client with this transport. What it sends goes out
through an AsyncClient of ours, so that a wait can be cut off at any instant, which no timeout of
the SDK's allows; the thread then ends at once.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future

import httpx

from providers._rest import MOST


class Bridge(httpx.BaseTransport):
    """For one call of the SDK. `sent`: a request has been begun, so somebody may be at work."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: Future[httpx.Response] | None = None
        self._cut = False
        self.sent = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Called by the SDK, in its thread."""
        with self._lock:
            if self._cut:
                raise httpx.ReadError("given up", request=request)
            self._waiting = asyncio.run_coroutine_threadsafe(self._send(request), self._loop)
        try:
            return self._waiting.result()
        except CancelledError as error:
            raise httpx.ReadError("given up", request=request) from error

    def cut(self) -> None:
        """End the wait, if there is one, and let none begin."""
        with self._lock:
            self._cut = True
        if self._waiting:
            self._waiting.cancel()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer, whole and still in its content coding, which the SDK's client undoes."""
        self.sent = True
        async with self._client.stream(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        ) as response:
            data = bytearray()
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > MOST:
                    raise httpx.DecodingError(f"the answer is larger than {MOST // 2**20} MiB")
        return httpx.Response(
            response.status_code, headers=response.headers.raw, content=bytes(data)
        )
