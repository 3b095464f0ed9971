"""What some adapters ask for and take back, against canned servers and a real Space."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Model, Picture, PictureRequest, Progress, ProviderError
from tests.canned import picture
from tests.loopback import Answer, serve
from tests.wire.aihorde import rig as aihorde
from tests.wire.cloudflare import rig as cloudflare
from tests.wire.modelscope import rig as modelscope
from tests.wire.zerogpu import rig as zerogpu

ADAPTERS = ("aihorde", "cloudflare", "modelscope", "zerogpu")
FOX = PictureRequest("a fox", width=1024, height=1024, seed=7)


async def ask(rig: Any, url: str, request: PictureRequest = FOX, **more: Any) -> Picture:
    """One call; `seconds` until the deadline, `heard` takes what is reported."""
    seconds, heard = more.pop("seconds", 2), more.pop("heard", [])
    settings = rig.entry(url, **more)
    provider = importlib.import_module(f"providers.{settings.adapter}").create(settings)
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        asked = replace(request, model=rig.MODEL)
        return await provider.generate(
            asked, key=rig.KEY, deadline=deadline, report=heard.append
        )  # fmt: skip
    finally:
        await provider.aclose()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
async def test_a_real_spaces_bytes_arrive_unchanged(space: str, form: str) -> None:
    made = await ask(zerogpu, space, replace(FOX, prompt=form, width=64, height=96), seconds=10)
    assert hashlib.sha256(made.data).digest() == hashlib.sha256(picture(form, 64, 96)).digest()
    assert (made.seed, made.width, made.height) == (7, 64, 96)


async def test_stopping_takes_the_job_out_of_a_real_space(space: str) -> None:
    from gradio_client import Client

    heard: list[Progress] = []
    task = asyncio.create_task(
        ask(zerogpu, space, replace(FOX, prompt="hang"), seconds=20, heard=heard)
    )
    while not heard or heard[-1].fraction is None:
        await asyncio.sleep(0.02)
    assert heard[-1].fraction == 0.25
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    client = await asyncio.to_thread(
        Client, space, verbose=False, analytics_enabled=False, token=False
    )
    ends = asyncio.get_running_loop().time() + 5
    while "cancelled" not in await asyncio.to_thread(client.predict, api_name="/log"):
        assert asyncio.get_running_loop().time() < ends
        await asyncio.sleep(0.05)


async def test_a_space_is_called_as_its_map_says() -> None:
    with serve(zerogpu.stage()) as server:
        await ask(zerogpu, server.url, replace(FOX, width=1000, steps=99, guidance=3.0))
        sent = server.to("/gradio_api/queue/join")[0]
    assert sent.json["data"] == ["a fox", 7, False, 992, 1024, 50]
    assert sent.headers["x-hf-authorization"] == f"Bearer {zerogpu.KEY}"


async def test_without_a_key_no_token_of_this_machine_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    with serve(zerogpu.stage()) as server:
        settings = zerogpu.entry(server.url)
        provider = importlib.import_module("providers.zerogpu").create(settings)
        deadline = asyncio.get_running_loop().time() + 3
        asked = replace(FOX, model=zerogpu.MODEL)
        await provider.generate(asked, key=None, deadline=deadline, report=lambda _: None)
        await provider.aclose()
        assert not [r for r in server.requests if "hf_of_somebody_else" in str(r.headers)]


async def test_the_horde_is_asked_as_it_wants_to_be_and_the_wait_is_told() -> None:
    heard: list[Progress] = []
    with serve(aihorde.stage()) as server:
        request = replace(FOX, negative_prompt="dogs", width=1000, steps=99, guidance=2.0)
        made = await ask(aihorde, server.url, request, heard=heard)
        sent = server.to(aihorde.ASK)[0]
    assert sent.json == {
        "prompt": "a fox ### dogs", "r2": False,
        "params": {"width": 1024, "height": 1024, "steps": 40, "seed": "7", "n": 1, "cfg_scale": 2},
    }  # fmt: skip
    assert sent.headers["apikey"] == aihorde.KEY
    assert [(p.queue_place, p.eta_seconds) for p in heard] == [(3, 0.5)]
    assert made.seed == 7
    assert "99 steps lowered to 40" in made.notes


@pytest.mark.parametrize("how", ["stop", "deadline"])
async def test_a_job_at_the_horde_that_is_given_up_is_taken_back(how: str) -> None:
    waits = Answer(body={"done": False, "faulted": False, "is_possible": True, "wait_time": 0})
    with serve({**aihorde.stage(), aihorde.CHECK: waits}) as server:
        task = asyncio.create_task(
            ask(aihorde, server.url, seconds=0.5 if how == "deadline" else 9)
        )
        await asyncio.to_thread(server.wait_for, aihorde.CHECK)
        if how == "stop":
            task.cancel()
        with pytest.raises((asyncio.CancelledError, ProviderError)):
            await task
        assert server.to(aihorde.STOP)


async def test_cloudflare_is_asked_only_for_what_it_knows() -> None:
    with serve(cloudflare.stage()) as server:
        request = replace(FOX, negative_prompt="dogs", steps=20, guidance=2.0)
        made = await ask(cloudflare, server.url, request)
        assert server.requests[0].json == {"prompt": "a fox", "steps": 8}
    assert made.seed is None
    assert set(made.notes) >= {
        "negative prompt ignored by cloudflare", "seed ignored by cloudflare",
        "guidance ignored by cloudflare", "20 steps lowered to 8",
    }  # fmt: skip


async def test_cloudflare_makes_no_other_shape() -> None:
    with serve(cloudflare.stage()) as server:
        with pytest.raises(ProviderError, match="nearest is 1024×1024") as caught:
            await ask(cloudflare, server.url, replace(FOX, width=1600))
        assert not server.requests
    assert caught.value.outcome == "unsupported"


async def test_modelscope_is_asked_for_a_task_and_the_host_of_the_picture_sees_no_key() -> None:
    with serve(modelscope.stage()) as server:
        made = await ask(modelscope, server.url, replace(FOX, seed=2**32 - 1, steps=200))
        posted, fetched = server.to(modelscope.ASK)[0], server.to(modelscope.FETCH)[0]
    assert posted.json["seed"] == made.seed == 2**31 - 1
    assert posted.json["steps"] == 100
    assert posted.headers["x-modelscope-async-mode"] == "true"
    assert "authorization" not in fetched.headers


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_check_makes_no_picture(adapter: str) -> None:
    rig = importlib.import_module(f"tests.wire.{adapter}.rig")
    with serve(rig.stage()) as server:
        settings = rig.entry(server.url, models=(Model(rig.MODEL, Decimal(0)),))
        provider = importlib.import_module(f"providers.{adapter}").create(settings)
        check = await provider.check(key=rig.KEY)
        await provider.aclose()
        assert check.ok, check.reason
        assert not server.to(rig.PLACES["asked"])
    provider = importlib.import_module(f"providers.{adapter}").create(
        rig.entry("http://127.0.0.1:9")
    )
    check = await provider.check(key=rig.KEY)
    await provider.aclose()
    assert not check.ok
    assert rig.KEY not in check.reason
