"""Hears over a websocket what ComfyUI says of its jobs, for as long as it can be heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from providers._comfy_server import Server
from providers._header import MAX_BYTES
from providers.errors import NotConfigured

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

SILENCE_SECONDS = 1.0
"""Without a word for so long, it is better to ask."""

POLL_SECONDS = 0.5
CLOSE_SECONDS = 0.3


def import_sdk() -> None:
    """A tenth of a second, so call this in a thread."""
    try:
        import websockets.asyncio.client  # noqa: F401
    except ImportError as error:
        raise NotConfigured("websockets is not installed; run: pip install websockets") from error


class Ear:
    """`socket` is None where there is no websocket to be had; then it is deaf."""

    def __init__(self, socket: ClientConnection | None) -> None:
        self._socket = socket
        self._coming: asyncio.Future[str | bytes] | None = None

    async def next(self) -> Mapping[str, Any] | None:
        """The next message, `{}` for one that says nothing (a preview). None after a silence, when
        the connection has broken, and now and then when deaf: time to ask instead.
        """
        if self._socket is None:
            await asyncio.sleep(POLL_SECONDS)
            return None
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._socket.recv())
        await asyncio.wait({self._coming}, timeout=SILENCE_SECONDS)
        if not self._coming.done():
            return None
        heard, self._coming = self._coming, None
        if heard.exception():
            await self.close()
            return None
        return _message(heard.result())

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        if self._coming:
            self._coming.cancel()
        if socket:
            with suppress(OSError):
                await socket.close()


@asynccontextmanager
async def listening(server: Server, client: str, seconds: float) -> AsyncIterator[Ear]:
    """An ear for what concerns the jobs of `client`; deaf, if it is not open in `seconds`."""
    ear = Ear(await _connect(server, client, seconds))
    try:
        yield ear
    finally:
        await ear.close()


async def _connect(server: Server, client: str, seconds: float) -> ClientConnection | None:
    """No `Origin` is sent, for ComfyUI refuses a foreign one. With host and port said apart, the
    SDK follows no redirect to another host; nor does it ask a proxy: deaf, we still get there.
    With a limit to its queue it would not read the server's goodbye behind unread messages.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    headers = {"Authorization": f"Bearer {server.key}"} if server.key else None
    try:
        parts = urlsplit(f"ws{server.root.removeprefix('http')}/ws?clientId={client}")
        return await connect(
            parts.geturl(),
            host=parts.hostname,
            port=parts.port or (443 if parts.scheme == "wss" else 80),
            additional_headers=headers,
            proxy=None,
            open_timeout=seconds,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,
            max_size=MAX_BYTES,
            max_queue=None,
        )
    except (OSError, ValueError, WebSocketException):
        return None


def _message(data: str | bytes) -> Mapping[str, Any]:
    if isinstance(data, bytes):
        return {}
    try:
        message = json.loads(data)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
