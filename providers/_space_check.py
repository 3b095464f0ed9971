"""Whether a Space answers, and what is left of the GPU time of the one who asks."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

import httpx

from providers._answer import address
from providers.base import Entry, Quota
from providers.errors import Unavailable, Unreachable, Unsupported


async def knock(url: str, api_name: str, key: str | None, entry: Entry) -> None:
    """Ask the Space at `url` whether it can be called by `api_name`. Raises a ProviderError."""
    timeout = httpx.Timeout(entry.timeout, connect=entry.connect_timeout)
    headers = {"x-hf-authorization": f"Bearer {key}"} if key else {}
    host = address(url)
    try:
        async with httpx.AsyncClient(timeout=timeout) as http:
            response = await http.get(f"{url.rstrip('/')}/config", headers=headers)
            known = json.loads(response.content)["dependencies"]
            names = {f"/{one.get('api_name')}" for one in known}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"nobody answers at {host}") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Unavailable(f"{host} is asleep, paused or no Gradio app") from error
    if api_name not in names:
        raise Unsupported(f"{host} has no {api_name}: its API has changed")


def quota_of(key: str) -> Quota | None:
    """Seconds of GPU that are left to the owner of `key`. It is good to know, no more: a token may
    lack the permission, and the service may have no such call.
    """
    from huggingface_hub import get_zero_gpu_quota

    try:
        found = get_zero_gpu_quota(token=key)
        left, limit = Decimal(str(found.remaining)), Decimal(str(found.base))
    except Exception:
        return None
    now = datetime.now(timezone.utc)
    return Quota(left, limit, "gpu_seconds", found.resets_at, now)
