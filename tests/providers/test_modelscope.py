"""The adapter for ModelScope against a server on loopback. What each answer on record means is told
in test_contract.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from decimal import Decimal

import pytest

from providers import modelscope
from providers.base import Model, PictureRequest, Progress
from providers.errors import NotConfigured, OutcomeUnknown, Unavailable, Unsupported
from tests.calls import Caller
from tests.canned import picture
from tests.loopback import Answer, Request, serve
from tests.wire.modelscope.rig import ASK, FETCH, KEY, MODEL, MODELS, TASK, after, entry, stage

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
SIDES = {"sides": {MODEL: {"min": 512, "max": 2048, "step": 16}}}


async def test_only_what_was_given_is_sent() -> None:
    full = PictureRequest("a fox", "blurry", 64, 48, 0, steps=8, guidance=3.5, model=MODEL)
    with serve(stage()) as server:
        await paint(entry(server.url))
        await paint(entry(server.url), full)
    bare, rich = server.to(ASK)
    assert bare.json == {"model": MODEL, "prompt": "a fox", "size": "64x64", "seed": 7}
    assert rich.json == {
        "model": MODEL, "prompt": "a fox", "negative_prompt": "blurry", "size": "64x48",
        "seed": 0, "steps": 8, "guidance": 3.5,
    }  # fmt: skip
    assert bare.headers["authorization"] == f"Bearer {KEY}"
    assert server.to(TASK)[0].headers["x-modelscope-task-type"] == "image_generation"


async def test_what_is_out_of_range_becomes_the_nearest_with_a_note() -> None:
    asked = PictureRequest("a fox", "", 1000, 1000, 2**31 + 5, steps=150, guidance=0, model=MODEL)
    made = Answer(body=picture("png", 992, 992))
    with serve(stage(picture=made)) as server:
        found = await paint(entry(server.url, options=SIDES), asked)
        assert server.to(ASK)[0].json["size"] == "1008x1008"
    assert found.seed == 5
    assert found.notes == (
        "rounded 1000×1000 to 1008×1008",
        "made 992×992 instead of 1008×1008",
        "seed 2147483653 became 5",
        "150 steps lowered to 100",
        "guidance 0 became 1.5",
    )
    wide = PictureRequest("a fox", width=2048, height=256, model=MODEL)
    with serve(stage()) as server:
        with pytest.raises(Unsupported, match="the nearest is 2048×512"):
            await paint(entry(server.url, options=SIDES), wide)
    assert server.requests == []


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    with serve(stage(picture=Answer(body=picture(form, 64, 64)))) as server:
        made = await paint(entry(server.url))
    assert hashlib.sha256(made.data).digest() == hashlib.sha256(picture(form)).digest()
    assert (made.media_type, made.seed, made.cost_usd) == (f"image/{form}", 7, Decimal(0))
    assert made.notes == ()


async def test_a_task_is_asked_after_until_it_is_done() -> None:
    told: list[Progress] = []
    waits = after(Answer(body={"task_status": "PENDING"}), Answer(body={"task_status": "RUNNING"}))
    with serve({**stage(), TASK: waits}) as server:  # type: ignore[dict-item]
        await paint(entry(server.url), told=told)
    assert [progress.words for progress in told] == ["waiting", "pending", "running"]
    assert len(server.to(TASK)) == 3


async def test_one_failed_look_is_no_lost_task_but_three_are() -> None:
    priced = (Model(MODEL, Decimal("0.01")),)
    hiccups = after(Answer(502), Answer(fault="close"))
    with serve({**stage(), TASK: hiccups}) as server:  # type: ignore[dict-item]
        assert (await paint(entry(server.url))).data == picture("png")
    with serve({**stage(), TASK: Answer(502)}) as server:  # type: ignore[dict-item]
        with pytest.raises(OutcomeUnknown, match="may have been billed"):
            await paint(entry(server.url, models=priced))
    assert len(server.to(TASK)) == 3


async def test_a_picture_elsewhere_is_fetched_without_the_key_and_never_from_a_private_host() -> (
    None
):
    with serve(Answer(body=picture())) as other:
        named = Answer(body={"task_status": "SUCCEED", "output_images": [other.url + "/a.png"]})
        with serve({**stage(), TASK: named}) as server:  # type: ignore[dict-item]
            with pytest.raises(Unavailable, match="could not be fetched"):
                await paint(entry(server.url))
        assert other.requests == []
    with serve(stage()) as server:
        await paint(entry(server.url))
        assert "authorization" not in server.to(FETCH)[0].headers


async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words() -> None:
    def parrot(request: Request) -> Answer:
        return Answer(401, body={"errors": {"message": request.headers["authorization"]}})

    with serve(parrot) as server, pytest.raises(NotConfigured) as caught:
        await paint(entry(server.url))
    assert str(caught.value) == "the key was refused (401): Bearer [hidden]"
    failed = Answer(body={"task_status": "FAILED", "errors": {"message": f"not {KEY}"}})
    with serve({**stage(), TASK: failed}) as server:  # type: ignore[dict-item]
        with pytest.raises(Unavailable, match=r"the task failed: not \[hidden\]$"):
            await paint(entry(server.url))


async def test_the_entrys_own_timeout_ends_an_attempt_before_the_deadline() -> None:
    begun = time.monotonic()
    never = Answer(body={"task_status": "PROCESSING"})
    with serve({**stage(), TASK: never}) as server:  # type: ignore[dict-item]
        with pytest.raises(Unavailable, match="not done in time"):
            await paint(entry(server.url, timeout=1), seconds=60)
    assert time.monotonic() - begun < 5


async def test_the_check_says_what_the_service_last_said_is_left_to_this_key() -> None:
    headers = {
        "modelscope-ratelimit-requests-limit": "2000",
        "modelscope-ratelimit-requests-remaining": "1987",
    }
    with serve(stage(Answer(200, headers, {"task_id": "123"}))) as server:
        provider = modelscope.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        assert (await provider.check(key=KEY)).quota is None
        await provider.generate(FOX, key=KEY, deadline=deadline, report=lambda _: None)
        told, other = await provider.check(key=KEY), await provider.check(key="ms-other")
        await provider.aclose()
    assert told.quota is not None
    assert (told.quota.left, told.quota.limit, told.quota.unit) == (
        Decimal(1987),
        Decimal(2000),
        "images",
    )
    assert (other.ok, other.quota) == (True, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, body={"errors": {"message": "no"}}), "the key was refused (401): no"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(fault="close"), "no whole answer"),
        (Answer(503), "the server failed"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    with serve({MODELS: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.4))
    assert (told.ok, reason in told.reason) == (False, True), told
