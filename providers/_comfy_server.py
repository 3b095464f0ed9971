"""ComfyUI's HTTP API: one call, and what its failures mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from providers._answer import failure, said, words
from providers._deadline import Late, before
from providers._hf_clients import refuse_odd
from providers._rest import Api, Reply
from providers.base import Entry
from providers.errors import NotConfigured, ProviderError, Unavailable, Unsupported

QUICK_SECONDS = 5.0
"""For what a server answers in milliseconds even while it paints."""

_WITH_TRACEBACK = "exception_during_inner_validation"
"""Of this complaint the details hold paths of the server."""


class NotServed(NotConfigured):
    """The server has no such path: it is none of ComfyUI's, or an older one."""


class Server:
    """The server of `entry`. It asks for no key itself; a proxy before it may: `key` is sent as
    Bearer, and a user and password in the address as Basic.
    """

    def __init__(self, api: Api, entry: Entry, key: str | None) -> None:
        if not entry.base_url:
            variable = f" or {entry.base_url_env}" if entry.base_url_env else ""
            raise NotConfigured(f"no address is set: give base_url{variable}")
        refuse_odd(key)
        try:
            user = unquote(urlsplit(entry.base_url).netloc.rpartition("@")[0])
        except ValueError as error:
            raise NotConfigured("base_url is no http address") from error
        self.root = entry.base_url.rstrip("/")
        self.host = api.host
        self.key = key
        self.secrets = (key, user)
        self._api = api

    async def ask(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        seconds: float | None = QUICK_SECONDS,
        lost: Callable[[str], ProviderError] = Unavailable,
    ) -> Reply:
        """The answer to a GET, or to a POST of `body`. `seconds` bounds the whole call, where the
        caller does not; `lost` makes the error for an answer that did not come. Raises a
        ProviderError, also for a status that is no success.
        """
        method = "GET" if body is None else "POST"
        call = self._api.ask(method, path, key=self.key, body=body, lost=lost)
        try:
            if seconds is None:
                reply = await call
            else:
                reply = await before(asyncio.get_running_loop().time() + seconds, call)
        except Late as late:
            raise lost(f"{self.host} gave no answer in time") from late
        if reply.status != 200:
            raise self._failure(path, reply)
        return reply

    def _failure(self, path: str, reply: Reply) -> ProviderError:
        status, text = reply.status, words(said(reply.body), *self.secrets)
        if status in (401, 403):
            why = f": {text}" if text else "; a proxy, or its check of origins, is in the way"
            return NotConfigured(f"{self.host} does not let us in ({status}){why}")
        if status in (404, 405):
            name = path.partition("?")[0]
            return NotServed(f"{self.host} has no /{name}; is that ComfyUI's address?")
        if status == 400:
            text = words(_complaint(reply.body), *self.secrets) or text
            return Unsupported(
                f"{self.host} does not take the workflow: {text or 'no reason said'}"
            )
        return failure(status, reply.headers, text)


def _complaint(body: bytes) -> str:
    """What is wrong with a graph: what is said of its first bad node, or else of all of it."""
    try:
        answer = json.loads(body)
        return next(_of_nodes(answer.get("node_errors") or {}), "") or _sentence(answer["error"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def _of_nodes(nodes: Mapping[str, Any]) -> Iterator[str]:
    for node in nodes.values():
        for error in node.get("errors") or []:
            yield f"{node.get('class_type')}: {_sentence(error)}"


def _sentence(error: Mapping[str, Any]) -> str:
    hidden = error.get("type") == _WITH_TRACEBACK
    parts = (error.get("message"), "" if hidden else error.get("details"))
    return ": ".join(str(part).rstrip(". ") for part in parts if part)
