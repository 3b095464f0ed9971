"""Zhipu's CogView and GLM-Image through its official SDK, zai-sdk.

There are two platforms with accounts and keys of their own, and `base_url` says which:
`https://open.bigmodel.cn/api/paas/v4` in China, `https://api.z.ai/api/paas/v4` (the default)
elsewhere. A job that was taken cannot be taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from providers._answer import address
from providers._bridge import Bridge
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._zai_errors import translate
from providers._zai_image import address_in, notes_of, size_of
from providers.base import (
    Check,
    Entry,
    Model,
    Picture,
    PictureRequest,
    Progress,
    SendsPromptTo,
    Traits,
)
from providers.errors import NotConfigured, ProviderError, Unavailable, Unsupported

TRAITS = Traits(
    stoppable=False,
    models=(Model("cogview-4-250304"),),
    sends_prompt_to=SendsPromptTo("company", "api.z.ai"),
)
ROOT = "https://api.z.ai/api/paas/v4"
CHINA = "bigmodel.cn"
MAX_THREADS = 8

Ask = Callable[[Any], Any]
"""A call of the SDK's client."""


def create(entry: Entry) -> CogView:
    return CogView(entry)


class CogView:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._root = entry.base_url or ROOT
        self._host = address(self._root)
        self._threads: ThreadPoolExecutor | None = None
        self._http: httpx.AsyncClient | None = None

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        deadline = min(deadline, asyncio.get_running_loop().time() + self._entry.timeout)
        key = _needed(key)
        width, height = size_of(request)

        def ask(client: Any) -> Any:
            return client.images.generations(
                prompt=request.prompt,
                model=request.model,
                size=f"{width}x{height}",
                disable_strict_validation=True,
            )

        report(Progress(words=f"asking {self._host}"))
        answer = await self._call(
            ask, key, deadline, lambda reason: self._entry.lost(request.model, reason)
        )
        url = address_in(answer, key)
        data = await fetch_picture(url, self._entry, request.model, deadline)
        header = read_header(data)
        made = header.width, header.height
        return Picture(
            data,
            header.media_type,
            *made,
            None,
            self._entry.usd(request.model),
            tuple(notes_of(request, (width, height), made)),
        )

    async def check(self, *, key: str | None) -> Check:
        """Asks for the list of models, which a key that is none is not given (seen in China; of
        api.z.ai it is not on record). Nobody can be asked what is left of the balance.
        """
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait
        try:
            key = _needed(key)
            answer = await self._call(
                lambda client: client.get("/models", cast_type=object), key, deadline, Unavailable
            )
        except Unsupported:
            return Check(True, f"{self._host} answers; the key is tried with the first picture")
        except ProviderError as error:
            return Check.failed(error)
        if not isinstance(answer, dict):
            return Check(False, f"{self._host} answers, but not as it should")
        return Check(True, f"{self._host} answers and does not refuse the key")

    async def aclose(self) -> None:
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
        if self._http:
            await self._http.aclose()
            self._http = None

    async def _call(
        self, ask: Ask, key: str, deadline: float, lost: Callable[[str], ProviderError]
    ) -> Any:
        """What `ask` returns, asked in a thread until `deadline`. Raises a ProviderError."""
        bridge = Bridge(self._client())
        try:
            return await before(deadline, self._in_thread(ask, key, bridge))
        except Late as late:
            if not bridge.sent:
                raise Unavailable("there was no time left to ask") from late
            raise lost("no answer in time") from late
        except ProviderError:
            raise
        except Exception as error:
            raise translate(error, self._host, key, lost) from error
        finally:
            bridge.cut()

    async def _in_thread(self, ask: Ask, key: str, bridge: Bridge) -> Any:
        self._threads = self._threads or ThreadPoolExecutor(MAX_THREADS, "cogview")
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: ask(self._sdk(key, bridge))
        )

    def _sdk(self, key: str, bridge: Bridge) -> Any:
        """The SDK's client. Called in a thread, for the import takes a second or two."""
        try:
            from zai import ZaiClient, ZhipuAiClient
        except ImportError as error:
            raise NotConfigured("zai-sdk is not installed; run: pip install zai-sdk") from error
        entry = self._entry
        platform = ZhipuAiClient if self._host.endswith(CHINA) else ZaiClient
        return platform(
            api_key=key,
            base_url=self._root,
            http_client=httpx.Client(transport=bridge),
            max_retries=0,
            timeout=httpx.Timeout(entry.timeout, connect=entry.connect_timeout),
        )

    def _client(self) -> httpx.AsyncClient:
        if not self._http:
            self._http = httpx.AsyncClient(follow_redirects=False)
        return self._http


def _needed(key: str | None) -> str:
    if not key:
        raise NotConfigured("no key")
    refuse_odd(key)
    return key
