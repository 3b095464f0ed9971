"""The real openai package against a server on loopback that says what such hosts say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from decimal import Decimal

import pytest

from providers import openai_images
from providers.base import Check, Model, PictureRequest
from providers.errors import (
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, unheard
from tests.canned import in_base64, naming_its_host, picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve
from tests.wire.openai_images.rig import ASK, KEY, MODEL, MODELS, entry, stage

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
FULL = PictureRequest("a fox", "blurry", 64, 64, seed=0, steps=8, guidance=0.0, model=MODEL)
PRICED = (Model(MODEL, Decimal("0.01")),)
SILICONFLOW = {
    "fields": {
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "steps": "num_inference_steps",
        "guidance": "guidance_scale",
    },
    "size_field": "image_size",
    "response_format": None,
    "extra_body": {"batch_size": 1},
}


# What it answers


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_the_bytes_of_the_picture_pass_through_unchanged(form: str) -> None:
    raw = picture(form, 80, 48)
    for answer in (
        Answer(body={"data": [{"b64_json": in_base64(form, 80, 48)}]}),
        naming_its_host(Answer(body={"data": [{"url": "http://<host>/a"}]})),
    ):
        with serve({ASK: answer, "GET /a": Answer(body=raw)}) as server:
            made = await paint(entry(server.url, models=PRICED))
        assert hashlib.sha256(made.data).digest() == hashlib.sha256(raw).digest()
        assert (made.media_type, made.width, made.height) == (f"image/{form}", 80, 48)
        assert (made.seed, made.cost_usd) == (None, Decimal("0.01"))
        assert made.notes == ("made 80×48 instead of 64×64", "seed ignored by host")


async def test_an_unknown_price_is_an_unknown_cost() -> None:
    with serve(stage()) as server:
        assert (await paint(entry(server.url, models=(Model(MODEL),)))).cost_usd is None


# What it is asked


async def test_a_host_of_which_nothing_is_told_gets_what_openai_knows() -> None:
    with serve(stage()) as server:
        made = await paint(entry(server.url), FULL)
    assert server.to(ASK)[0].json == {
        "prompt": "a fox", "model": MODEL, "n": 1, "size": "64x64", "response_format": "b64_json",
    }  # fmt: skip
    assert made.seed is None
    assert made.notes == (
        "seed ignored by host", "negative prompt ignored by host", "steps ignored by host",
        "guidance ignored by host",
    )  # fmt: skip


async def test_optional_values_go_under_the_names_that_the_host_has_for_them() -> None:
    with serve(stage()) as server:
        bare = await paint(entry(server.url, options=SILICONFLOW))
        full = await paint(entry(server.url, options=SILICONFLOW), FULL)
    first, second = (request.json for request in server.to(ASK))
    always = {"prompt": "a fox", "model": MODEL, "n": 1, "image_size": "64x64", "batch_size": 1}
    assert first == {**always, "seed": 7}
    assert second == {
        **always, "seed": 0, "negative_prompt": "blurry", "num_inference_steps": 8,
        "guidance_scale": 0.0,
    }  # fmt: skip
    assert (bare.seed, bare.notes, full.seed, full.notes) == (7, (), 0, ())


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ((1024, 1024), "1024x1024"),
        ((600, 610), "512x512"),
        ((1000, 1000), "1024x1024"),
        ((768, 512), "1536x1024"),
        ((1000, 1500), "1024x1536"),
    ],
)
async def test_where_sizes_are_listed_the_nearest_of_the_same_shape_is_taken(
    wanted: tuple[int, int], sent: str
) -> None:
    options = {"sizes": ["1024x1024", "512x512", "1536x1024", "1024x1536"]}
    width, height = sent.split("x")
    found = Answer(body=picture("png", int(width), int(height)))
    with serve(stage(picture=found)) as server:
        request = PictureRequest("a fox", "", *wanted, model=MODEL)
        made = await paint(entry(server.url, options=options), request)
    assert server.to(ASK)[0].json["size"] == sent
    rounded = f"rounded {wanted[0]}×{wanted[1]} to {width}×{height}"
    assert (rounded in made.notes) == (sent != f"{wanted[0]}x{wanted[1]}")


async def test_a_shape_that_is_not_listed_is_refused_unsent() -> None:
    wide = PictureRequest("a fox", width=1024, height=512, model=MODEL)
    with serve(stage()) as server:
        with pytest.raises(Unsupported, match="the nearest is 1024×1024"):
            await paint(entry(server.url, options={"sizes": ["1024x1024"]}), wide)
        with pytest.raises(NotConfigured, match="sizes has huge"):
            await paint(entry(server.url, options={"sizes": ["huge"]}), wide)
    assert server.requests == []


@pytest.mark.parametrize("key_env", [None, "HOST_API_KEY"])
async def test_nothing_of_this_machines_openai_account_reaches_another_host(
    monkeypatch: pytest.MonkeyPatch, key_env: str | None
) -> None:
    with serve(stage()) as server, serve(stage()) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.url}/v1")
        for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
            monkeypatch.setenv(f"OPENAI_{name}", "sk-of-this-machine")
        headers = "Authorization: Bearer sk-of-this-machine\nX-Api-Key: sk-of-this-machine"
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
        settings = entry(server.url, key_env=key_env)
        if key_env:
            with pytest.raises(NotConfigured, match="no key"):
                await paint(settings, key=None)
            assert await check(settings, key=None) == Check(False, "no key")
        else:
            await paint(settings, key=None)
            assert (await check(settings, key=None)).ok
            assert "authorization" not in server.to(ASK)[0].headers
        await paint(settings)
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        with pytest.raises(NotConfigured, match="no address is set: give base_url or HOST_URL"):
            await paint(entry("", base_url=None, base_url_env="HOST_URL"))
    assert other.requests == []
    assert "sk-of-this-machine" not in str([request.headers for request in server.requests])


async def test_the_host_learns_nothing_about_this_machine() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url))
    assert set(server.to(ASK)[0].headers) <= openai_images.SENT
    assert "python" in server.to(ASK)[0].headers["user-agent"].lower()


@pytest.mark.parametrize("path", ["", "/", "/openai/v1", "/openai/v1/"])
async def test_the_address_may_have_a_path_and_a_slash_at_its_end(path: str) -> None:
    with serve(stage()["POST /v1/images/generations"]) as server:  # type: ignore[index]
        await paint(entry("", base_url=server.url + path))
    assert server.requests[0].path == f"{path.rstrip('/')}/images/generations"


async def test_a_picture_elsewhere_is_fetched_without_the_key_and_never_from_a_private_host() -> (
    None
):
    with serve(Answer(body=picture())) as other:
        elsewhere = Answer(body={"data": [{"url": f"{other.url}/a.png"}]})
        with serve(stage(elsewhere)) as server:
            with pytest.raises(Unavailable, match="could not be fetched"):
                await paint(entry(server.url))
        assert other.requests == []
    here = naming_its_host(Answer(body={"data": [{"url": "http://<host>/a.png"}]}))
    with serve({ASK: here, "GET /a.png": Answer(body=picture())}) as server:
        await paint(entry(server.url))
        assert KEY not in str(server.to("GET /a.png")[0].headers)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words(status: int) -> None:
    def parrot(request: Request) -> Answer:
        said = f"what is {request.headers['authorization']}?"
        return Answer(status, body={"error": {"message": said}})

    with serve(parrot) as server, pytest.raises(ProviderError) as caught:
        await paint(entry(server.url))
    assert "what is Bearer [hidden]?" in str(caught.value)


# What goes wrong on the way


async def test_a_paid_picture_that_is_not_where_it_is_said_to_be_may_have_been_billed() -> None:
    gone = naming_its_host(Answer(body={"data": [{"url": "http://<host>/gone.png"}]}))
    with serve({ASK: gone}) as server:
        with pytest.raises(OutcomeUnknown, match="may have been billed"):
            await paint(entry(server.url, models=PRICED))


@pytest.mark.parametrize("base_url", ["host/v1", "ftp://127.0.0.1", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_not_configured(base_url: str) -> None:
    with pytest.raises(NotConfigured, match="base_url"):
        await paint(entry("", base_url=base_url))
    assert not (await check(entry("", base_url=base_url))).ok


async def test_one_provider_serves_many_keys_at_a_time_and_keeps_them_apart() -> None:
    with serve(stage()) as server:
        provider = openai_images.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        calls = [
            provider.generate(FOX, key=f"sk-{n}", deadline=deadline, report=unheard)
            for n in range(12)
        ]
        assert len(await asyncio.gather(*calls)) == 12
        await provider.aclose()
    assert {r.headers["authorization"] for r in server.requests} == {
        f"Bearer sk-{n}" for n in range(12)
    }


async def test_an_endless_answer_is_cut_off() -> None:
    huge = base64.b64encode(bytes(40 * 2**20)).decode()
    with serve(stage(Answer(body={"data": [{"b64_json": huge}]}))) as server:
        with pytest.raises(Unavailable, match="larger than 48 MiB"):
            await paint(entry(server.url))


# The check


async def test_the_check_asks_for_the_list_of_models_and_for_no_picture() -> None:
    with serve(stage()) as server:
        told = await check(entry(server.url))
        assert (told.ok, told.reason.endswith("answers and does not refuse the key")) == (
            True,
            True,
        )
        assert [request.path for request in server.requests] == ["/v1/models"]
    with serve({}) as server:
        told = await check(entry(server.url))
        assert (told.ok, told.reason.endswith("has no list of models")) == (True, True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, body={"error": {"message": "no"}}), "the key was refused (401): no"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(fault="close"), "no whole answer"),
        (Answer(headers={"content-type": "text/html"}, body="<html>"), "a web page"),
        (Answer(503), "the server failed"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    with serve({MODELS: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.3))
    assert (told.ok, reason in told.reason) == (False, True), told
    assert "nobody answers" in (await check(entry(dead_url()))).reason


# The SDK
