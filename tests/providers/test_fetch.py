"""The guarded download: which addresses it asks, and what becomes of those it does not."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from providers._fetch import fetch_picture
from providers._header import MAX_BYTES
from providers.base import Entry, Model
from providers.errors import OutcomeUnknown, ProviderError, Unavailable
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, serve

PNG = Answer(headers={"content-type": "image/png"}, body=picture("png"))


def entry(base_url: str | None, usd: int = 0) -> Entry:
    model = Model("m", Decimal(usd))
    return Entry("e", "openai_images", base_url=base_url, timeout=2, models=(model,))


async def fetch(url: str, owner: Entry, seconds: float = 3) -> bytes:
    return await fetch_picture(url, owner, "m", asyncio.get_running_loop().time() + seconds)


async def test_a_picture_on_the_owners_own_private_host_comes_unchanged() -> None:
    with serve({"/a.png": PNG}) as server:
        data = await fetch(server.url + "/a.png?sig=%2B1", entry(server.url + "/v1"))
        assert data == picture("png")
        assert server.requests[0].query == "sig=%2B1"
        assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a.png", "https://127.0.0.1/a.png", "https://localhost/a.png",
        "https://[::1]/a.png", "https://10.0.0.1/a.png", "https://169.254.169.254/latest",
        "https://192.168.1.1/", "https://[fd00::1]/", "https://[::ffff:127.0.0.1]/a",
        "https://224.0.0.1/", "https://100.64.0.1/", "file:///etc/passwd", "ftp://8.8.8.8/a",
        "http://8.8.8.8/a.png", "//8.8.8.8/a", "data:image/png;base64,AAAA", "", "https://",
        "https://user:secret@127.0.0.1/a",
    ],
)  # fmt: skip
async def test_no_other_private_or_odd_address_is_asked(url: str) -> None:
    with pytest.raises(Unavailable, match="could not be fetched") as caught:
        await fetch(url, entry(None))
    assert "secret" not in str(caught.value)


async def test_another_port_of_the_owners_host_is_another_place() -> None:
    with serve({"/a.png": PNG}) as server, serve({"/v1": PNG}) as other:
        with pytest.raises(Unavailable, match="https"):
            await fetch(server.url + "/a.png", entry(other.url))
        assert not server.requests


async def test_a_redirect_is_judged_anew() -> None:
    with serve({"/secret": PNG}) as inside:
        away = Answer(302, {"location": inside.url + "/secret"})
        with serve({"/a": away}) as server:
            with pytest.raises(Unavailable):
                await fetch(server.url + "/a", entry(server.url))
            assert not inside.requests


async def test_a_redirect_on_the_same_host_is_followed_a_few_times() -> None:
    answers = {
        "/a": Answer(302, {"location": "/b"}),
        "/b": PNG,
        "/c": Answer(302, {"location": "/c"}),
    }
    with serve(answers) as server:
        assert await fetch(server.url + "/a", entry(server.url)) == picture("png")
        with pytest.raises(Unavailable, match="on and on"):
            await fetch(server.url + "/c", entry(server.url))
        assert len(server.to("/c")) == 4


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(404), "answers 404"),
        (Answer(body=bytes(MAX_BYTES + 1)), "larger than 32 MiB"),
        (Answer(body=picture("png"), fault="break_off"), "could not be fetched"),
        (Answer(body=picture("png"), fault="close"), "could not be fetched"),
        (Answer(body=picture("png"), fault="hang"), "in time"),
        (Answer(body=picture("png"), fault="drip"), "in time"),
    ],
)
async def test_whatever_goes_wrong_after_a_paid_job_may_have_been_billed(
    answer: Answer, says: str
) -> None:
    with serve({"/a.png": answer}) as server:
        with pytest.raises(OutcomeUnknown, match=says):
            await fetch(server.url + "/a.png", entry(server.url, usd=1), seconds=1)


async def test_a_dead_host_is_given_up_at_once() -> None:
    url = dead_url()
    with pytest.raises(ProviderError, match="could not be fetched"):
        await fetch(url + "/a.png", entry(url))
