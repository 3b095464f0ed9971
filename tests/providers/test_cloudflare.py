"""The adapter for Workers AI against a server on loopback. What each answer on record means is told
in test_contract.py.
"""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest

from providers.base import Check, Entry, Model, PictureRequest
from providers.errors import NotConfigured, Unavailable, Unsupported
from tests.calls import Caller
from tests.canned import in_base64, picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve
from tests.wire.cloudflare.rig import ACCOUNT_ENV, KEY, MODEL, MODELS, ROOT, RUN, entry, stage

FOX = PictureRequest("a fox", seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check


async def test_only_what_was_given_is_sent_with_the_token_to_the_account() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url))
        await paint(entry(server.url), PictureRequest("a fox", steps=4, seed=7, model=MODEL))
    bare, rich = server.to(RUN)
    assert (bare.json, rich.json) == ({"prompt": "a fox"}, {"prompt": "a fox", "steps": 4})
    assert bare.headers["authorization"] == f"Bearer {KEY}"


async def test_a_seed_is_sent_only_where_the_owner_says_so() -> None:
    with serve(stage()) as server:
        without = await paint(entry(server.url))
        made = await paint(entry(server.url, options={"seed": True}))
    assert (without.seed, made.seed) == (None, 7)
    assert server.to(RUN)[1].json == {"prompt": "a fox", "seed": 7}
    assert "seed ignored by cloudflare" not in made.notes


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_the_bytes_of_the_picture_pass_through_unchanged(form: str) -> None:
    body = {"result": {"image": in_base64(form, 1024, 1024)}, "success": True}
    raw = Answer(headers={"content-type": f"image/{form}"}, body=picture(form, 1024, 1024))
    for answer in (Answer(body=body), raw):
        with serve({RUN: answer}) as server:
            made = await paint(entry(server.url, models=(Model(MODEL, Decimal("0.000652")),)))
        assert made.data == picture(form, 1024, 1024)
        assert (made.media_type, made.width, made.height) == (f"image/{form}", 1024, 1024)
        assert (made.notes, made.cost_usd) == (
            ("seed ignored by cloudflare",), Decimal("0.000652")
        )  # fmt: skip


async def test_a_size_of_the_same_shape_is_noted_and_another_shape_refused_unsent() -> None:
    with serve(stage(picture=Answer(body=picture("jpeg", 1024, 1024)))) as server:
        small = PictureRequest("a fox", width=512, height=480, model=MODEL)
        made = await paint(entry(server.url), small)
        assert "rounded 512×480 to 1024×1024" in made.notes
        wide = PictureRequest("a fox", width=1024, height=768, model=MODEL)
        with pytest.raises(Unsupported, match="the nearest is 1024×1024"):
            await paint(entry(server.url), wide)
    assert len(server.requests) == 1


async def test_a_missing_account_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(stage()) as server:
        settings = entry(server.url)
        monkeypatch.delenv(ACCOUNT_ENV)
        with pytest.raises(NotConfigured, match=f"set {ACCOUNT_ENV} to the id"):
            await paint(settings)
        assert ACCOUNT_ENV in (await check(settings)).reason
        monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID", raising=False)
        with pytest.raises(NotConfigured, match="set CLOUDFLARE_ACCOUNT_ID to"):
            await paint(Entry("cf", "cloudflare", base_url=server.url))
    assert server.requests == []


async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words() -> None:
    def parrot(request: Request) -> Answer:
        said = f"no <b>{request.headers['authorization']}</b>"
        return Answer(401, body={"success": False, "errors": [{"code": 10000, "message": said}]})

    with serve(parrot) as server, pytest.raises(NotConfigured) as caught:
        await paint(entry(server.url))
    assert str(caught.value) == "the key was refused: no Bearer [hidden]"


async def test_an_endless_answer_is_cut_off() -> None:
    huge = base64.b64encode(bytes(40 * 2**20)).decode()
    with serve({RUN: Answer(body={"result": {"image": huge}})}) as server:
        with pytest.raises(Unavailable, match="larger than 48 MiB"):
            await paint(entry(server.url))


@pytest.mark.parametrize("base_url", ["api.cloudflare.com", "ftp://127.0.0.1"])
async def test_an_address_that_is_none_is_not_configured(base_url: str) -> None:
    with pytest.raises(NotConfigured):
        await paint(entry(base_url))


async def test_the_check_tries_account_token_and_permission() -> None:
    with serve(stage()) as server:
        assert await check(entry(server.url)) == Check(True, "the token may use Workers AI")
        assert server.requests[0].path == f"{ROOT}/models/search"
    refused = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}
    answers: list[tuple[Answer, str]] = [
        (Answer(403, body=refused), "the key was refused: Authentication error"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(body="<html>"), "not JSON"),
        (Answer(500), "the server failed"),
    ]
    for answer, reason in answers:
        with serve({MODELS: answer}) as server:
            told = await check(entry(server.url, connect_timeout=0.4))
        assert (told.ok, reason in told.reason) == (False, True), told
    assert "nobody answers" in (await check(entry(dead_url()))).reason
