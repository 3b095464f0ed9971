"""Finds who makes the pictures of a model behind Hugging Face's router.

The SDK looks this up by itself, but on the event loop, without a timeout, with whatever token the
machine is logged in with, and only once per process. So it is done here first, in a thread, with
the key of this request, and handed to the SDK, which then has nothing left to ask.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from providers._deadline import Late, before
from providers._hf_errors import translate
from providers.base import Entry
from providers.errors import NotConfigured, ProviderError, Unreachable, Unsupported

TASK = "text-to-image"
SECONDS = 10.0
"""For one look-up: a small answer of the hub's."""

FRESH = 600.0
"""Seconds for which a route is kept: mappings change within days."""

MAX_KNOWN = 64


class Route(NamedTuple):
    """`company` makes the picture; `model` is what the SDK's client is asked for."""

    company: str
    model: str | None


class Routes:
    """The routes of one entry, each found once in a while."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._wanted = str(entry.options.get("provider") or "auto")
        self._known: dict[tuple[str, str], tuple[float, Route]] = {}

    async def find(self, model: str, key: str, deadline: float) -> Route:
        """The route for `model`. With `provider: auto` it is the first of the order that the owner
        of `key` set at Hugging Face. Raises a ProviderError; nothing has been accepted by then.
        """
        found, route = self._known.get((key, model), (0.0, None))
        if route and time.monotonic() - found < FRESH:
            return route
        if self._wanted == "auto" and not key.startswith("hf_"):
            raise NotConfigured(
                "the key is no Hugging Face token (hf_…); for another company's key, "
                "name that company in options.provider"
            )
        try:
            deadline = min(deadline, asyncio.get_running_loop().time() + SECONDS)
            work = asyncio.to_thread(look_up, model, key, self._wanted, self._entry.connect_timeout)
            route = await before(deadline, work)
        except Late as late:
            raise Unreachable("huggingface.co did not say in time who serves the model") from late
        except ProviderError:
            raise
        except Exception as error:
            raise translate(error, self._entry, model, key, sent=False) from error
        while len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[key, model] = (time.monotonic(), route)
        return route


def look_up(model: str, key: str, wanted: str, connect_timeout: float) -> Route:
    """Ask the hub (blocking) who serves `model` and tell the SDK.

    A key that is not Hugging Face's own goes to `wanted` alone and is not shown to the hub.
    """
    import httpx2
    from huggingface_hub import HfApi, constants
    from huggingface_hub.inference._providers import PROVIDERS
    from huggingface_hub.inference._providers._common import HARDCODED_MODEL_INFERENCE_MAPPING

    if wanted != "auto" and TASK not in PROVIDERS.get(wanted, {}):  # type: ignore[call-overload]
        able = ", ".join(sorted(name for name, tasks in PROVIDERS.items() if TASK in tasks))
        raise NotConfigured(f"options.provider is {wanted!r}; pictures are made by auto, {able}")
    timeout: Any = httpx2.Timeout(SECONDS, connect=connect_timeout)
    info = HfApi(token=key if key.startswith("hf_") else False).model_info(
        model, expand=["inferenceProviderMapping"], timeout=timeout
    )
    for offer in info.inference_provider_mapping or ():
        if offer.task != TASK or wanted not in ("auto", offer.provider):
            continue
        if offer.provider == "hf-inference":
            root = constants.INFERENCE_PROXY_TEMPLATE.format(provider=offer.provider)
            return Route(offer.provider, f"{root}/models/{model}")
        if TASK in PROVIDERS.get(offer.provider, {}):
            HARDCODED_MODEL_INFERENCE_MAPPING.setdefault(offer.provider, {})[model] = offer
            return Route(offer.provider, model)
    by = "any company that makes pictures" if wanted == "auto" else wanted
    raise Unsupported(f"{model} is not served by {by} at Hugging Face")
