"""Any host that answers OpenAI's `POST {base_url}/images/generations`, through the openai package.

`base_url` ends where that path begins, as in `https://host/v1`. Options, all optional:
`response_format` (b64_json; null leaves it out), `extra_body` (fields sent as they are),
`fields` (the names under which this host takes our `seed`, `negative_prompt`, `steps` and
`guidance`; what has none is not sent), `sizes` (those allowed, such as `[1024x1024, 1024x1536]`)
and `size_field` (where it is not `size`). Hanging up is all that there is to end a job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from providers._answer import address
from providers._deadline import Late, before
from providers._fetch import fetch_picture
from providers._header import read_header
from providers._hf_clients import refuse_odd
from providers._openai_errors import translate
from providers._openai_image import notes_of, picture_in, takes, wish_of
from providers._rest import MOST, Reply
from providers.base import Check, Entry, Picture, PictureRequest, Progress, Traits
from providers.errors import NotConfigured, ProviderError, Spoilt, Unavailable, Unsupported

TRAITS = Traits(needs_address=True, stoppable=False)

SENT = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type",
    "host", "user-agent", "x-stainless-raw-response",
}  # fmt: skip
"""Headers that leave this machine. The SDK would add what it knows of the machine, and what stands
in OPENAI_CUSTOM_HEADERS, OPENAI_ORG_ID and OPENAI_PROJECT_ID, which are for another host's eyes.
"""

Ask = Callable[[Any, Any], Any]
"""Of the SDK's client and the headers of the request, the call that streams the answer."""


def create(entry: Entry) -> OpenAIImages:
    return OpenAIImages(entry)


class OpenAIImages:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._host = address(entry.base_url or "")
        self._http: Any = None

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        entry = self._entry
        deadline = min(deadline, asyncio.get_running_loop().time() + entry.timeout)
        wish = wish_of(request, entry.options)

        def ask(client: Any, headers: Any) -> Any:
            generate = client.images.with_streaming_response.generate
            return generate(**wish.arguments, extra_headers=headers)

        report(Progress(words=f"asking {self._host}"))
        reply = await self._call(
            ask, key, deadline, lambda reason: entry.lost(request.model, reason)
        )
        data = picture_in(reply, key)
        if isinstance(data, str):
            data = await fetch_picture(data, entry, request.model, deadline)
        header = read_header(data)
        made = header.width, header.height
        return Picture(
            data,
            header.media_type,
            *made,
            request.seed if takes(entry.options, "seed") else None,
            entry.usd(request.model),
            tuple(notes_of(request, entry, wish.size, made)),
        )

    async def check(self, *, key: str | None) -> Check:
        """Asks for the list of models. A host that gives it to anyone says nothing of the key."""
        wait = min(self._entry.timeout, 5 * self._entry.connect_timeout)
        deadline = asyncio.get_running_loop().time() + wait

        def ask(client: Any, headers: Any) -> Any:
            return client.models.with_streaming_response.list(extra_headers=headers)

        try:
            reply = await self._call(ask, key, deadline, Unavailable)
            reply.json()
        except Unsupported:
            return Check(True, f"{self._host} answers, but has no list of models")
        except ProviderError as error:
            return Check.failed(error)
        return Check(
            True, f"{self._host} answers" + (" and does not refuse the key" if key else "")
        )

    async def aclose(self) -> None:
        if self._http:
            await self._http.aclose()
            self._http = None

    async def _call(
        self, ask: Ask, key: str | None, deadline: float, lost: Callable[[str], ProviderError]
    ) -> Reply:
        """The answer, if it is a success. Raises a ProviderError."""
        refuse_odd(key)
        if not key and self._entry.key_env:
            raise NotConfigured("no key")
        try:
            await before(deadline, asyncio.to_thread(_load))
        except Late as late:
            raise Unavailable("there was no time left to ask") from late
        try:
            return await before(deadline, self._read(ask, key))
        except Late as late:
            raise lost("no answer in time") from late
        except ProviderError:
            raise
        except Exception as error:
            raise translate(error, self._host, key, lost) from error

    async def _read(self, ask: Ask, key: str | None) -> Reply:
        from openai import Omit

        headers = {"authorization": f"Bearer {key}" if key else Omit()}
        async with ask(self._sdk(), headers) as response:
            data = bytearray()
            async for chunk in response.iter_bytes():
                data += chunk
                if len(data) > MOST:
                    raise Spoilt(f"the answer is larger than {MOST // 2**20} MiB")
            return Reply(response.status_code, response.headers, bytes(data))

    def _sdk(self) -> Any:
        """The SDK's client. What it is not given it would look for in OPENAI_… variables, which
        are none of this entry's; the key goes into the headers of the request.
        """
        import httpx2
        from openai import AsyncOpenAI

        entry = self._entry
        if not entry.base_url:
            variable = f" or {entry.base_url_env}" if entry.base_url_env else ""
            raise NotConfigured(f"no address is set: give base_url{variable}")
        timeout = httpx2.Timeout(entry.timeout, connect=entry.connect_timeout)
        if not self._http:
            self._http = httpx2.AsyncClient(
                timeout=timeout, follow_redirects=False, event_hooks={"request": [_only_ours]}
            )
        return AsyncOpenAI(
            api_key="none",
            base_url=entry.base_url,
            http_client=self._http,
            max_retries=0,
            timeout=timeout,
        )


async def _only_ours(request: Any) -> None:
    for name in set(request.headers) - SENT:
        del request.headers[name]


def _load() -> None:
    """Import the SDK, which takes seconds: call this in a thread."""
    try:
        import openai.resources.images
        import openai.resources.models  # noqa: F401
    except ImportError as error:
        raise NotConfigured("openai is not installed; run: pip install openai") from error
