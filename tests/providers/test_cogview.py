"""The real zai-sdk against a server on loopback that says what Zhipu's says."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timezone
from decimal import Decimal

import httpx
import pytest

from providers import cogview
from providers._bridge import Bridge
from providers._zai_errors import reset_in
from providers.base import Entry, Model, PictureRequest
from providers.errors import (
    NotConfigured,
    ProviderError,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, unheard
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.left_behind import no_thread_is_left
from tests.loopback import Answer, Request, serve
from tests.wire.cogview.rig import ASK, FETCH, KEY, MODEL, MODELS, entry, stage

FOX = PictureRequest("a fox", seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
PRICED = (Model(MODEL, Decimal("0.01")),)


# What it answers


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("reset at 2026-09-09 05:38:28", "2026-09-08T21:38:28"),
        ("您的限额将在 2026-09-09 05:38:28 重置", "2026-09-08T21:38:28"),
        ("reset at 2026-09-09T05:38Z", "2026-09-09T05:38:00"),
        ("reset at 2026-09-09 05:38:28 UTC.", "2026-09-09T05:38:28"),
        ("reset at 2026-09-09 05:38:28 UTC+8", "2026-09-08T21:38:28"),
        ("reset at 2026-09-09T05:38:28.5-03:30", "2026-09-09T09:08:28"),
        ("reset at 2026-09-09 05:38:28 - sorry", "2026-09-08T21:38:28"),
        ("reset at 2026-13-40 05:38:28", None),
        ("reset soon", None),
    ],
)
def test_the_time_of_a_reset_is_beijings_unless_it_says_otherwise(
    text: str, instant: str | None
) -> None:
    at = instant and datetime.fromisoformat(instant).replace(tzinfo=timezone.utc)
    assert reset_in(text) == at


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    raw = picture(form, 1024, 1024)
    with serve(stage(picture=Answer(body=raw))) as server:
        got = await paint(entry(server.url, models=PRICED))
    assert hashlib.sha256(got.data).digest() == hashlib.sha256(raw).digest()
    assert (got.media_type, got.width, got.height) == (f"image/{form}", 1024, 1024)
    assert (got.seed, got.cost_usd) == (None, Decimal("0.01"))
    assert got.notes == ("seed ignored by cogview",)


# What it is asked


async def test_only_what_it_takes_is_sent_and_the_rest_is_noted() -> None:
    full = PictureRequest("a fox", "blurry", 1024, 1024, 7, steps=9, guidance=0.0, model=MODEL)
    with serve(stage()) as server:
        got = await paint(entry(server.url), full)
    assert server.to(ASK)[0].json == {"prompt": "a fox", "model": MODEL, "size": "1024x1024"}
    assert server.to(ASK)[0].headers["authorization"] == f"Bearer {KEY}"
    assert set(got.notes) == {
        "seed ignored by cogview", "negative prompt ignored by cogview", "steps ignored by cogview",
        "guidance ignored by cogview", "made 64×64 instead of 1024×1024",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "wanted", "sent"),
    [
        ("cogview-3-flash", (1344, 768), "1344x768"),
        ("cogview-3-flash", (1000, 1010), "1008x1008"),
        ("cogview-4-250304", (256, 256), "512x512"),
        ("cogview-4-250304", (2048, 1024), "2048x1024"),
        ("cogview-4-250304", (2048, 2048), "1440x1440"),
        ("cogview-4-250304", (2048, 1152), "1920x1072"),
        ("glm-image", (512, 512), "1024x1024"),
        ("glm-image", (2048, 2048), "2048x2048"),
        ("glm-image", (1300, 1300), "1312x1312"),
    ],
)
async def test_a_size_becomes_the_nearest_that_the_family_makes(
    model: str, wanted: tuple[int, int], sent: str
) -> None:
    request = PictureRequest("a fox", "", *wanted, model=model)
    with serve(stage()) as server:
        got = await paint(entry(server.url), request)
    assert server.to(ASK)[0].json["size"] == sent
    shown = f"rounded {wanted[0]}×{wanted[1]} to {sent.replace('x', '×')}"
    assert (shown in got.notes) == (sent != f"{wanted[0]}x{wanted[1]}")


@pytest.mark.parametrize(("model", "width"), [(MODEL, 256), ("glm-image", 768)])
async def test_a_shape_that_is_not_made_is_refused_unsent(model: str, width: int) -> None:
    request = PictureRequest("a fox", width=width, height=2048, model=model)
    with serve(stage()) as server, pytest.raises(Unsupported, match="the nearest is"):
        await paint(entry(server.url), request)
    assert server.requests == []


async def test_variables_of_the_sdk_do_not_lead_us_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(stage()) as server, serve(stage()) as other:
        monkeypatch.setenv("ZAI_BASE_URL", f"{other.url}/api/paas/v4")
        monkeypatch.setenv("ZAI_API_KEY", "somebody-elses")
        await paint(entry(server.url))
        await check(entry(server.url))
        with pytest.raises(NotConfigured, match="no key"):
            await paint(entry(server.url), key=None)
    assert other.requests == []
    assert [r.headers.get("authorization") for r in server.requests] == [
        f"Bearer {KEY}", None, f"Bearer {KEY}",
    ]  # fmt: skip


async def test_each_platform_is_asked_by_its_own_client_of_the_sdk() -> None:
    from zai import ZaiClient, ZhipuAiClient

    async with httpx.AsyncClient() as http:
        for base_url, platform, root in (
            ("https://open.bigmodel.cn/api/paas/v4", ZhipuAiClient, "https://open.bigmodel.cn/api/paas/v4"),
            ("https://api.z.ai/api/paas/v4", ZaiClient, "https://api.z.ai/api/paas/v4"),
            (None, ZaiClient, "https://api.z.ai/api/paas/v4"),
        ):  # fmt: skip
            provider = cogview.create(Entry("cogview", "cogview", base_url=base_url))
            client = provider._sdk(KEY, Bridge(http))
            assert (type(client), client.base_url) == (platform, root)
            assert (client.api_key, client.max_retries) == (KEY, 0)


async def test_the_host_of_the_picture_sees_no_key_and_may_not_be_a_private_one() -> None:
    with serve(Answer(body=picture())) as other:
        with serve(stage(Answer(body={"data": [{"url": f"{other.url}/a.png"}]}))) as server:
            with pytest.raises(Unavailable, match="could not be fetched"):
                await paint(entry(server.url))
        assert other.requests == []
    with serve(stage()) as server:
        await paint(entry(server.url))
        assert KEY not in str(server.to(FETCH)[0].headers)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words(status: int) -> None:
    def parrot(request: Request) -> Answer:
        said = f"what is {request.headers['authorization']}?"
        return Answer(status, body={"error": {"code": "4711", "message": said}})

    with serve(parrot) as server, pytest.raises(ProviderError) as caught:
        await paint(entry(server.url))
    assert "what is Bearer [hidden]?" in str(caught.value)


# What goes wrong on the way


@pytest.mark.parametrize("base_url", ["api.z.ai/api/paas/v4", "ftp://127.0.0.1"])
async def test_an_address_that_is_none_is_not_configured(base_url: str) -> None:
    with pytest.raises(NotConfigured, match="base_url"):
        await paint(Entry("cogview", "cogview", base_url=base_url))


async def test_many_calls_share_eight_threads_and_those_that_wait_in_vain_were_not_sent() -> None:
    with serve(stage(Answer(fault="hang"))) as server:
        provider = cogview.create(entry(server.url, models=PRICED))
        now = asyncio.get_running_loop().time()
        deadlines = [now + 1.5] * 8 + [now + 0.7] * 4  # those end before a thread is free
        calls = [
            provider.generate(FOX, key=KEY, deadline=deadline, report=unheard)
            for deadline in deadlines
        ]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert len(server.to(ASK)) == 8
        await provider.aclose()
    outcomes = sorted(getattr(error, "outcome", "") for error in ended)
    assert outcomes == ["outcome_unknown"] * 8 + ["unavailable"] * 4
    await no_thread_is_left("cogview")


async def test_one_provider_is_asked_again_and_again_over_the_same_connection() -> None:
    with serve(stage()) as server:
        provider = cogview.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        for _ in range(3):
            await provider.generate(FOX, key=KEY, deadline=deadline, report=unheard)
        await provider.aclose()
    assert len({request.port for request in server.to(ASK)}) == 1


async def test_an_endless_answer_is_cut_off() -> None:
    with serve(stage(Answer(body=bytes(50 * 2**20)))) as server:
        with pytest.raises(Unavailable, match="could not be read"):
            await paint(entry(server.url))


# The check


async def test_the_check_asks_for_the_list_of_models_and_for_no_picture() -> None:
    with serve(stage()) as server:
        told = await check(entry(server.url))
        assert (told.ok, told.reason.endswith("does not refuse the key")) == (True, True)
        assert [request.path for request in server.requests] == [MODELS.partition(" ")[2]]
    with serve({}) as server:
        told = await check(entry(server.url))
        assert (told.ok, "tried with the first picture" in told.reason) == (True, True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, body={"error": {"code": "1002", "message": "no"}}), "refused (1002): no"),
        (Answer(429, body={"error": {"code": "1113", "message": "no"}}), "used up (1113): no"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(fault="close"), "no whole answer"),
        (Answer(body="<html>"), "not as it should"),
        (Answer(503), "the server failed"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    with serve({MODELS: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.3))
    assert (told.ok, reason in told.reason) == (False, True), told
    assert "nobody answers" in (await check(entry(dead_url()))).reason
    await no_thread_is_left("cogview")


# The SDK
