"""The SDK's clients: imported on first use, one to a key, a few kept open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from providers.base import Entry
from providers.errors import NotConfigured

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

MAX_IDLE = 4
FETCH_SECONDS = 30.0
"""Between two pieces of an answer in the SDK's synchronous calls, which wait for ever otherwise."""


def prepare_sdk(connect_timeout: float) -> None:
    """Import the SDK (a third of a second, so call this in a thread), and give its synchronous
    calls, which fetch the pictures of some companies, the timeout that they lack.
    """
    try:
        import httpx2
        from huggingface_hub import get_session
    except ImportError as error:
        raise NotConfigured(
            "huggingface_hub is not installed; run: pip install huggingface_hub"
        ) from error
    session = get_session()
    if session.timeout == httpx2.Timeout(None):
        session.timeout = httpx2.Timeout(FETCH_SECONDS, connect=connect_timeout)


def refuse_odd(key: str | None) -> None:
    """A line break or a foreign letter, pasted by accident, would fail deep in the transport."""
    if key and not (key.isascii() and key.isprintable()):
        raise NotConfigured("the key holds characters that no key has")


class Clients:
    """The clients of one entry that are idle, by key and company."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._idle: dict[tuple[str | None, str], AsyncInferenceClient] = {}

    @asynccontextmanager
    async def take(self, key: str | None, company: str) -> AsyncIterator[AsyncInferenceClient]:
        """A client that nobody else uses meanwhile. After an error it is closed and not kept."""
        client = self._idle.pop((key, company), None) or await self._new(key, company)
        try:
            yield client
        except BaseException:
            await _close(client)
            raise
        spare = self._idle.pop((key, company), None)
        if spare is None and len(self._idle) >= MAX_IDLE:
            spare = self._idle.pop(next(iter(self._idle)))
        self._idle[key, company] = client
        if spare is not None:
            await _close(spare)

    async def aclose(self) -> None:
        while self._idle:
            await _close(self._idle.popitem()[1])

    async def _new(self, key: str | None, company: str) -> Any:
        """Without a key the SDK would send whatever token this machine is logged in with; so it
        gets a word in its place, and the header that would carry it is taken out again. It would
        also follow a redirect to anywhere, into our own network too.
        """
        import httpx2
        from huggingface_hub import AsyncInferenceClient

        entry = self._entry
        options: Any = {
            "token": key or "none",
            "headers": None if key else {"authorization": None},
            "timeout": httpx2.Timeout(entry.timeout, connect=entry.connect_timeout),
            "bill_to": entry.options.get("bill_to"),
            "base_url": entry.base_url,
            "provider": None if entry.base_url else company,
        }
        client: Any = AsyncInferenceClient(**options)
        (await client._get_async_client()).follow_redirects = False
        return client


async def _close(client: Any) -> None:
    await client.close()
