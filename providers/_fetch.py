"""Fetches a picture from the address that a vendor names, and trusts that address with nothing.

Only https to public hosts; each redirect is judged anew; the connection goes to the very address
that was judged; no key is sent; size and time are capped. Where the owner has pointed `base_url` at
a private address, pictures on that same host and port are accepted too, over http as well.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from providers._answer import address
from providers._deadline import Late, before
from providers._header import MAX_BYTES
from providers.base import Entry
from providers.errors import ProviderError

MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)


class _NotFetched(Exception):
    """Why the picture did not come, fit to show."""


async def fetch_picture(
    url: str,
    entry: Entry,
    model: str,
    deadline: float,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes at `url`. The picture is made and perhaps billed by now, so that whatever goes
    wrong is `entry.lost(model, …)`. `deadline` is an instant of the running loop's clock.

    `headers` are for a `url` that the caller made itself, on the host that knows them already (a
    cookie that leads back to the same machine); where that redirects, they are not sent on.
    """
    try:
        return await before(deadline, _follow(url, entry, headers or {}))
    except Late as late:
        raise entry.lost(model, f"the picture did not come from {address(url)} in time") from late
    except ProviderError:
        raise entry.lost(model, "no time was left to fetch the picture") from None
    except _NotFetched as error:
        raise entry.lost(model, f"the picture could not be fetched: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise entry.lost(model, f"the picture could not be fetched from {address(url)}") from error


async def _follow(url: str, entry: Entry, headers: Mapping[str, str]) -> bytes:
    timeout = httpx.Timeout(entry.timeout, connect=entry.connect_timeout)
    async with httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client:
        for _ in range(MAX_REDIRECTS + 1):
            found = await _get(client, url, await _judged(url, entry), headers)
            if isinstance(found, bytes):
                return found
            headers = {}
            url = str(httpx.URL(url).join(found))
    raise _NotFetched(f"{address(url)} sends us on and on")


async def _get(
    client: httpx.AsyncClient, url: str, ip: str, headers: Mapping[str, str]
) -> bytes | str:
    """The body, or where a redirect points. Asks `ip` and nobody else, by the name in `url`."""
    target = httpx.URL(url)
    request = client.build_request(
        "GET",
        target.copy_with(host=ip),
        headers={**headers, "host": target.netloc.decode().rpartition("@")[2]},
        extensions={"sni_hostname": target.host},
    )
    response = await client.send(request, stream=True)
    try:
        if response.status_code in _REDIRECTS:
            return str(response.headers.get("location", ""))
        if response.status_code != 200:
            raise _NotFetched(f"{address(url)} answers {response.status_code}")
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MAX_BYTES:
                raise _NotFetched(f"it is larger than {MAX_BYTES // 2**20} MiB")
        return bytes(data)
    finally:
        await response.aclose()


async def _judged(url: str, entry: Entry) -> str:
    """An address of the host of `url` that may be asked. Raises _NotFetched if there is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _NotFetched("its address is no web address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    public = all(ip.is_global and not ip.is_multicast for ip in addresses)
    if _is_owners(parts.hostname, port, entry) and not public:
        return str(addresses[0])
    if parts.scheme != "https":
        raise _NotFetched(f"{address(url)} is not asked without https")
    if not addresses or not public:
        raise _NotFetched(f"{address(url)} is not a public address")
    return str(addresses[0])


def _is_owners(host: str, port: int, entry: Entry) -> bool:
    """Whether the owner named this very host and port in `base_url`."""
    base = urlsplit(entry.base_url or "")
    base_port = base.port or (443 if base.scheme == "https" else 80)
    return (host, port) == (base.hostname, base_port)
