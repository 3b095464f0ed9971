"""All the traffic of one client of gradio_client, so that it has an end.

The SDK makes a new connection for each call, waits for ever on its stream, and cannot be closed: a
thread of its own reads on until the server hangs up. Its one seam is what it passes to httpx.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import httpx

LEAST_SECONDS = 0.1


class Line(httpx.Auth):
    """Goes to the SDK as `httpx_kwargs={"auth": line}`, and so sees each of its requests. What is
    still waiting at `until` (of `time.monotonic`) fails then; after `cut` everything fails at once.
    """

    def __init__(self, host: str, connect_timeout: float) -> None:
        self._host = host
        self.until = time.monotonic()
        self._connect_timeout = connect_timeout
        self._lock = threading.Lock()
        self._streams: WeakSet[Any] = WeakSet()
        self._is_cut = False

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._is_cut:
            raise httpx.ConnectError("the line was cut", request=request)
        if request.url.host != self._host:  # the SDK asks a Space of its makers about odd APIs
            raise ValueError("another host than the Space's")
        left = max(LEAST_SECONDS, self.until - time.monotonic())
        timeout = httpx.Timeout(left, connect=min(left, self._connect_timeout))
        request.extensions = {
            **request.extensions,
            "timeout": timeout.as_dict(),
            "trace": self._seen,
        }
        yield request

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            streams = list(self._streams)
        for stream in streams:
            _hang_up(stream)

    def _seen(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace: the only place that shows a connection before it has answered."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._streams.add(info["return_value"])
                late = self._is_cut
            if late:
                _hang_up(info["return_value"])


def _hang_up(stream: Any) -> None:
    """Wakes the thread that reads from `stream`, which closing would not."""
    with suppress(AttributeError, OSError):
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
