"""The adapter for A1111's API against a server on loopback that says what real ones say."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from providers import automatic1111
from providers.base import Check, PictureRequest, Progress
from providers.errors import (
    NotConfigured,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, unheard
from tests.canned import in_base64, picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve
from tests.wire.automatic1111.rig import entry

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model="default")
caller = Caller(FOX)
paint, check = caller.paint, caller.check
TXT2IMG, PROGRESS = "POST /sdapi/v1/txt2img", "GET /sdapi/v1/progress"
INTERRUPT, MODELS = "POST /sdapi/v1/interrupt", "GET /sdapi/v1/sd-models"


def painted(info: Mapping[str, Any] | None = None, *, width: int = 64, height: int = 64) -> Answer:
    info = {"seed": 7, "sd_model_name": "sd15", "sampler_name": "Euler", **(info or {})}
    return Answer(body={"images": [in_base64("png", width, height)], "info": json.dumps(info)})


def progress(interrupted: bool = False, **more: Any) -> Answer:
    state = {"interrupted": interrupted, "job_count": 1, "sampling_step": 3, "sampling_steps": 12}
    body = {"progress": 0.26, "eta_relative": 17.7, "state": state, "current_image": None}
    return Answer(body={**body, **more})


def busy(server_has: Mapping[str, Any], until: str, times: int) -> Mapping[str, Any]:
    """`server_has`, but the picture is not done before `until` was asked for `times` times."""
    done = threading.Event()

    def wait_and_paint(request: Request) -> Answer:
        done.wait(10)
        answer: Answer = server_has[TXT2IMG]
        return answer

    seen: list[Request] = []

    def count(request: Request) -> Answer:
        seen.append(request)
        if len(seen) >= times:
            done.set()
        answer: Answer = server_has[until]
        return answer

    return {**server_has, TXT2IMG: wait_and_paint, until: count}


async def test_the_request_says_what_the_server_would_else_decide_by_itself() -> None:
    with serve({TXT2IMG: painted()}) as server:
        await paint(entry(server.url))
    assert server.to(TXT2IMG)[0].json == {
        "prompt": "a fox",
        "negative_prompt": "",
        "width": 64,
        "height": 64,
        "seed": 7,
        "steps": 20,
        "batch_size": 1,
        "n_iter": 1,
        "save_images": False,
    }


async def test_what_is_asked_for_goes_before_the_options() -> None:
    options = {"steps": 9, "sampler_name": "Euler", "scheduler": "Karras"}
    request = PictureRequest("a fox", "blurry", 64, 64, 7, steps=4, guidance=0.0, model="default")
    with serve({TXT2IMG: painted()}) as server:
        await paint(entry(server.url, options=options))
        await paint(entry(server.url, options=options), request)
    first, second = (request.json for request in server.to(TXT2IMG))
    assert (first["steps"], "cfg_scale" in first) == (9, False)
    assert (second["steps"], second["cfg_scale"]) == (4, 0.0)
    assert (second["sampler_name"], second["scheduler"]) == ("Euler", "Karras")
    assert second["negative_prompt"] == "blurry"


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    body = {"images": [in_base64(form, 80, 48)], "info": json.dumps({"seed": 2**53})}
    with serve({TXT2IMG: Answer(body=body)}) as server:
        made = await paint(entry(server.url))
    assert made.data == picture(form, 80, 48)
    assert (made.media_type, made.width, made.height) == (f"image/{form}", 80, 48)
    assert made.seed == 2**53


async def test_a_size_becomes_the_nearest_multiple_of_eight_with_a_note() -> None:
    request = PictureRequest("a fox", width=70, height=65, seed=7, model="default")
    with serve({TXT2IMG: painted(width=72, height=64)}) as server:
        made = await paint(entry(server.url), request)
    sent = server.to(TXT2IMG)[0].json
    assert (sent["width"], sent["height"]) == (72, 64)
    assert made.notes == ("made 72×64 instead of 70×65",)


async def test_another_sampler_than_the_one_in_the_options_is_noted() -> None:
    info = {"sampler_name": "DPM++ 2M"}
    with serve({TXT2IMG: painted(info)}) as server:
        wrong = await paint(entry(server.url, options={"sampler_name": "euler a"}))
        right = await paint(entry(server.url, options={"sampler_name": "DPM++ 2M Karras"}))
    assert wrong.notes == ("sampler DPM++ 2M instead of euler a",)
    assert right.notes == ()


@pytest.mark.parametrize("path", ["", "/", "/forge", "/forge/"])
async def test_the_address_may_have_a_path_and_a_slash_at_its_end(path: str) -> None:
    with serve(painted()) as server:
        await paint(entry(server.url + path))
    assert server.requests[0].path == path.rstrip("/") + "/sdapi/v1/txt2img"


async def test_no_connection_is_used_twice() -> None:
    with serve({TXT2IMG: [Answer(500), painted()]}) as server:
        provider = automatic1111.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        with pytest.raises(Unavailable):
            await provider.generate(FOX, key=None, deadline=deadline, report=unheard)
        assert await provider.generate(FOX, key=None, deadline=deadline, report=unheard)
        await provider.aclose()
    assert len({request.port for request in server.requests}) == len(server.requests)


# Models


LISTED = Answer(
    body=[
        {"title": "anime/sd15.safetensors [abcdef0123]", "model_name": "anime_sd15", "hash": "abc"},
        {"title": "flux.gguf", "model_name": "flux", "hash": None},
    ]
)


@pytest.mark.parametrize(
    ("model", "used", "notes"),
    [
        ("anime_sd15", "sd15", ()),
        ("anime/sd15.safetensors [abcdef0123]", "sd15", ()),
        ("flux", "flux.gguf", ()),
        ("flux", "flux [0123456789]", ()),
        ("flux", "sd15", ("made with sd15 instead of flux",)),
        ("flux", "", ()),
    ],
)
async def test_the_model_that_was_really_used_is_compared(
    model: str, used: str, notes: tuple[str, ...]
) -> None:
    request = PictureRequest("a fox", width=64, height=64, model=model)
    with serve({TXT2IMG: painted({"sd_model_name": used}), MODELS: LISTED}) as server:
        made = await paint(entry(server.url), request)
    assert made.notes == notes
    assert server.to(TXT2IMG)[0].json["override_settings"] == {"sd_model_checkpoint": model}


async def test_a_model_that_is_not_there_is_told_beforehand_with_those_that_are() -> None:
    request = PictureRequest("a fox", model="sdxl")
    with serve({TXT2IMG: painted(), MODELS: LISTED}) as server:
        with pytest.raises(Unsupported, match=r"has no model sdxl; it has anime_sd15, flux$"):
            await paint(entry(server.url), request)
    assert server.to(TXT2IMG) == []


async def test_a_server_without_a_list_of_models_is_asked_all_the_same() -> None:
    request = PictureRequest("a fox", width=64, height=64, model="flux")
    with serve({TXT2IMG: painted({"sd_model_name": "sd15"})}) as server:
        made = await paint(entry(server.url), request)
    assert made.notes == ("made with sd15 instead of flux",)


# Progress, interruption, cancelling


async def test_progress_is_reported_while_the_picture_is_made() -> None:
    told: list[Progress] = []
    answers = busy({TXT2IMG: painted(), PROGRESS: progress()}, until=PROGRESS, times=2)
    with serve(answers) as server:
        await paint(entry(server.url), told=told)
    assert told[0] == Progress(fraction=0.26, eta_seconds=17.7, words="step 3 of 12")
    assert server.to(PROGRESS)[0].query == "skip_current_image=true"


async def test_a_server_without_progress_is_asked_for_it_once() -> None:
    def slowly(request: Request) -> Answer:
        threading.Event().wait(1.3)  # for two polls and a half
        return painted()

    with serve({TXT2IMG: slowly, PROGRESS: Answer(404)}) as server:
        assert (await paint(entry(server.url))).data == picture()
    assert len(server.to(PROGRESS)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(body=[]),
        Answer(body={"state": 5}),
        Answer(body={"progress": "much", "state": {"job_count": 1}}),
        Answer(fault="close"),
        Answer(fault="hang"),
    ],
)
async def test_progress_that_fails_never_disturbs_the_picture(answer: Answer) -> None:
    answers = busy({TXT2IMG: painted(), PROGRESS: answer}, until=PROGRESS, times=1)
    with serve(answers) as server:
        assert (await paint(entry(server.url))).data == picture()


async def test_a_half_done_picture_after_somebodys_interrupt_is_no_picture() -> None:
    answers = {TXT2IMG: painted(), PROGRESS: progress(interrupted=True)}
    with serve(answers) as server, pytest.raises(Unavailable, match="was interrupted at 127"):
        await paint(entry(server.url))


async def test_a_cancelled_call_stops_the_job_at_the_server() -> None:
    with serve({TXT2IMG: Answer(fault="hang"), INTERRUPT: Answer(body={})}) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        assert await asyncio.to_thread(server.wait_for, TXT2IMG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(server.to(INTERRUPT)) == 1


async def test_a_job_that_is_late_is_stopped_at_the_server() -> None:
    with serve({TXT2IMG: Answer(fault="hang"), INTERRUPT: Answer(body={})}) as server:
        with pytest.raises(Unavailable, match="was not done in time"):
            await paint(entry(server.url, timeout=1), seconds=60)
    assert len(server.to(INTERRUPT)) == 1


async def test_a_server_that_hangs_altogether_is_given_up_all_the_same() -> None:
    begun = time.monotonic()
    with serve(Answer(fault="hang")) as server, pytest.raises(Unavailable):
        await paint(entry(server.url), seconds=1)
    assert time.monotonic() - begun < 6


# Addresses and secrets


@pytest.mark.parametrize("base_url", [None, "127.0.0.1:7860", "ftp://127.0.0.1", "http://[oops"])
async def test_an_address_that_is_none_is_not_configured(base_url: str | None) -> None:
    with pytest.raises(NotConfigured):
        await paint(entry(base_url))


@pytest.mark.parametrize("in_address", [False, True])
async def test_user_and_password_are_sent_and_never_said(in_address: bool) -> None:
    def parrot(request: Request) -> Answer:
        return Answer(500, body={"detail": f"{request.headers['authorization']} or ada:s3cr!t"})

    with serve(parrot) as server:
        url = server.url.replace("//", "//ada:s3cr%21t@") if in_address else server.url
        with pytest.raises(Unavailable) as caught:
            await paint(entry(url), key=None if in_address else "ada:s3cr!t")
    basic = base64.b64encode(b"ada:s3cr!t").decode()
    assert server.requests[0].headers["authorization"] == f"Basic {basic}"
    assert caught.value.reason == "the server failed (500): Basic [hidden] or [hidden]"


async def test_without_a_key_nothing_is_sent_for_one() -> None:
    with serve({TXT2IMG: painted()}) as server:
        await paint(entry(server.url))
    assert "authorization" not in server.requests[0].headers


# The check


async def test_the_check_says_how_many_models_there_are_and_which_is_loaded() -> None:
    options = Answer(body={"sd_model_checkpoint": "flux.gguf"})
    with serve({MODELS: LISTED, "GET /sdapi/v1/options": options}) as server:
        assert await check(entry(server.url)) == Check(True, "2 models, flux.gguf loaded")
    with serve({MODELS: LISTED}) as server:
        assert await check(entry(server.url)) == Check(True, "2 models")


async def test_the_check_says_why_not() -> None:
    assert "is it running?" in (await check(entry(dead_url()))).reason
    assert not (await check(entry(None))).ok
    with serve({}) as server:
        assert (await check(entry(server.url))).reason.endswith("start it with --api")
