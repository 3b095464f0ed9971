"""The adapter for the AI Horde: what its answers on record do not show (for those, test_contract)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Check, Model, PictureRequest, Progress
from providers.errors import (
    OutcomeUnknown,
    RateLimited,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller
from tests.canned import in_base64, picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve
from tests.wire.aihorde.rig import ASK, CHECK, HEARTBEAT, KEY, STATUS, STOP, USER, entry, stage

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model="any")
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
WAITS = {"done": False, "faulted": False, "is_possible": True, "wait_time": 0, "processing": 0}


def staged(**more: Any) -> dict[str, Any]:
    """Where all goes well, but for `check` and so on."""
    named = {"check": CHECK, "status": STATUS, "ask": ASK, "user": USER, "heartbeat": HEARTBEAT}
    answers = stage()
    assert isinstance(answers, Mapping)
    return {**answers, **{named.get(name, name): answer for name, answer in more.items()}}


def checks(*bodies: dict[str, Any]) -> list[Answer]:
    return [Answer(body={**WAITS, **body}) for body in bodies]


def made(image: str, **more: Any) -> Answer:
    generation = {"img": image, "seed": "7", "censored": False, "gen_metadata": [], **more}
    return Answer(body={"done": True, "generations": [generation]})


def fetched(image: Answer) -> dict[str, Any]:
    """Where the picture lies at an address, as with r2."""

    def status(request: Request) -> Answer:
        return made(f"http://{request.headers['host']}/r2/a.webp")

    return staged(**{"status": status, "GET /r2/a.webp": image})


# What is sent


async def test_without_a_key_the_anonymous_one_is_sent_with_a_name_of_ours() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url), key=None)
        await paint(entry(server.url, options={"client_agent": "Team:2:me@example.org"}))
    first, second = server.to(ASK)
    assert {r.headers["apikey"] for r in server.requests} == {"0000000000", KEY}
    assert first.headers["client-agent"].startswith("Freebrush:1:")
    assert second.headers["client-agent"] == "Team:2:me@example.org"
    assert "authorization" not in first.headers


async def test_only_what_was_given_is_sent() -> None:
    with serve(stage()) as server:
        result = await paint(entry(server.url))
    assert server.to(ASK)[0].json == {
        "prompt": "a fox",
        "params": {"width": 64, "height": 64, "steps": 20, "seed": "7", "n": 1},
        "r2": False,
    }
    assert (result.seed, result.cost_usd, result.notes) == (7, Decimal(0), ())


async def test_a_model_is_asked_for_by_its_name_and_options_add_to_the_request() -> None:
    options = {"steps": 30, "request": {"allow_downgrade": True, "r2": True, "nsfw": False}}
    models = (Model("AlbedoBase XL (SDXL)", Decimal(0)),)
    with serve(stage()) as server:
        await paint(
            entry(server.url, options=options, models=models), replace(FOX, model=models[0].id)
        )
    sent = server.to(ASK)[0].json
    assert sent["models"] == ["AlbedoBase XL (SDXL)"]
    assert sent["params"]["steps"] == 30
    assert (sent["allow_downgrade"], sent["r2"], sent["nsfw"]) == (True, True, False)


async def test_a_size_becomes_multiples_of_64_up_to_1024_with_a_note() -> None:
    with serve(stage()) as server:
        result = await paint(entry(server.url), replace(FOX, width=1920, height=1080))
        with pytest.raises(Unsupported, match="is not to be had there"):
            await paint(entry(server.url), replace(FOX, width=2048, height=100))
    params = server.to(ASK)[0].json["params"]
    assert (params["width"], params["height"]) == (1024, 576)
    assert result.notes == (
        "rounded 1920×1080 to 1024×576",
        "made 64×64 instead of 1024×576",
    )


async def test_guidance_of_more_than_two_digits_is_rounded_with_a_note() -> None:
    with serve(stage()) as server:
        result = await paint(entry(server.url), replace(FOX, guidance=7.123))
    assert server.to(ASK)[0].json["params"]["cfg_scale"] == 7.12
    assert result.notes == ("guidance 7.123 became 7.12",)


# The picture


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("by_address", [False, True])
async def test_the_bytes_of_the_picture_pass_through_unchanged(form: str, by_address: bool) -> None:
    inside = staged(status=made(in_base64(form, 80, 48)))
    beside = fetched(Answer(body=picture(form, 80, 48)))
    with serve(beside if by_address else inside) as server:
        result = await paint(entry(server.url), replace(FOX, width=64, height=64))
    assert result.data == picture(form, 80, 48)
    assert (result.media_type, result.width, result.height) == (f"image/{form}", 80, 48)
    assert not [r for r in server.to("GET /r2/a.webp") if "apikey" in r.headers]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(body=picture()[:99]),
        Answer(headers={"content-type": "text/html"}, body="<!doctype html>"),
        Answer(),
        Answer(302, {"location": "http://10.0.0.1/a.webp"}),
        Answer(fault="close"),
        Answer(body=picture(), fault="hang_within"),
    ],
)
async def test_a_picture_that_cannot_be_fetched_is_unavailable(answer: Answer) -> None:
    with serve(fetched(answer)) as server, pytest.raises(Unavailable):
        await paint(entry(server.url), seconds=0.6)


async def test_the_model_that_made_it_is_noted_when_any_was_asked_for() -> None:
    with serve(staged(status=made(in_base64(), model="Deliberate", seed="x"))) as server:
        result = await paint(entry(server.url))
    assert result.notes == ("made with Deliberate",)
    assert result.seed is None


async def test_metadata_that_is_none_does_no_harm() -> None:
    with serve(staged(status=made(in_base64(), gen_metadata=["x", {"type": "lora"}]))) as server:
        assert (await paint(entry(server.url))).data == picture()


# The wait


async def test_the_wait_is_told_with_place_and_seconds() -> None:
    told: list[Progress] = []
    answers = staged(
        check=checks(
            {"queue_position": 3, "wait_time": 40},
            {"queue_position": 0, "wait_time": 5, "processing": 1},
            {"done": True},
        )
    )
    with serve(answers) as server:
        await paint(entry(server.url, timeout=60), seconds=60, told=told)
    assert told == [
        Progress(queue_place=3, eta_seconds=40.0, words="waiting"),
        Progress(queue_place=None, eta_seconds=5.0, words="painting"),
    ]


async def test_a_longer_queue_than_is_worth_it_is_left_at_once() -> None:
    options = {"longest_wait": 30}
    with serve(staged(check=checks({"wait_time": 31}))) as server:
        with pytest.raises(Unavailable, match=r"^busy: the queue takes about 31 s more$"):
            await paint(entry(server.url, options=options, timeout=300), seconds=300)
        assert len(server.to(CHECK)) == len(server.to(STOP)) == 1


async def test_a_queue_that_grows_later_is_waited_for() -> None:
    bodies: list[dict[str, Any]] = [{}, {}, {}, {"wait_time": 200}, {"done": True}]
    with serve(staged(check=checks(*bodies))) as server:
        result = await paint(
            entry(server.url, options={"longest_wait": 30}, timeout=300), seconds=300
        )
    assert result.data == picture("webp")


async def test_a_job_that_is_done_is_fetched_even_if_nobody_serves_it_now() -> None:
    with serve(staged(check=checks({"done": True, "is_possible": False}))) as server:
        assert (await paint(entry(server.url))).data == picture("webp")
        assert server.to(STOP) == []


async def test_looks_that_fail_now_and_then_do_no_harm() -> None:
    failing = [Answer(500), Answer(429, body={"message": "10 per 1 second"})]
    answers = staged(check=[*failing, *checks({}), *failing, *checks({"done": True})])
    with serve(answers) as server:
        assert (await paint(entry(server.url))).data == picture("webp")


@pytest.mark.parametrize(
    ("answer", "looks"),
    [(Answer(502), 3), (Answer(404, body={"message": "gone", "rc": "RequestNotFound"}), 1)],
)
async def test_a_job_that_cannot_be_looked_after_is_given_up(answer: Answer, looks: int) -> None:
    with serve(staged(check=answer)) as server, pytest.raises(Unavailable):
        await paint(entry(server.url))
    assert len(server.to(CHECK)) == looks


# Taking back


async def test_a_job_whose_id_is_still_on_its_way_is_taken_back_too() -> None:
    let = threading.Event()

    def slowly(request: Request) -> Answer:
        let.wait(5)
        answer: Answer = staged()[ASK]
        return answer

    with serve(staged(ask=slowly)) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        await asyncio.to_thread(server.wait_for, ASK)
        task.cancel()
        await asyncio.sleep(0.05)
        let.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.to(STOP)) == 1


@pytest.mark.parametrize(
    "answers",
    [
        {"ask": Answer(fault="hang")},
        {"check": Answer(fault="hang"), STOP: Answer(fault="hang")},
        {"status": Answer(fault="hang_within", body={"done": True}), STOP: Answer(500)},
    ],
)
async def test_a_service_that_hangs_is_given_up_and_nothing_is_left_behind(
    answers: dict[str, Any],
) -> None:
    begun, tasks = time.monotonic(), len(asyncio.all_tasks())
    with serve(staged(**answers)) as server:
        with pytest.raises(Unavailable, match="was not done in time"):
            await paint(entry(server.url), seconds=0.9)
    assert time.monotonic() - begun < 5
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks


async def test_a_job_that_would_cost_may_have_been_billed_once_it_is_lost() -> None:
    priced = (Model("any", Decimal("0.01")),)
    with serve(staged(check=Answer(500))) as server, pytest.raises(OutcomeUnknown):
        await paint(entry(server.url, models=priced))


# Addresses and secrets


async def test_a_key_that_is_said_back_is_hidden() -> None:
    def parrot(request: Request) -> Answer:
        return Answer(403, body={"message": f"no {request.headers['apikey']}", "rc": "TimeoutIP"})

    with serve(staged(ask=parrot)) as server, pytest.raises(RateLimited) as caught:
        await paint(entry(server.url))
    assert caught.value.reason == "no [hidden]"


# The check


async def test_the_check_says_whose_key_it_is_and_what_is_left() -> None:
    with serve(stage()) as server:
        found = await check(entry(server.url))
        assert (found.ok, found.reason) == (True, "the key of fox#1")
        assert found.quota
        assert (found.quota.left, found.quota.unit) == (Decimal("12.0"), "kudos")
        assert (await check(entry(server.url), None)).ok
        assert server.to(ASK) == []


NOBODY: Callable[[Request], Answer] = lambda request: Answer(  # noqa: E731
    404,
    body={
        "message": f"User with api_key '{request.headers['apikey']}' not found.",
        "rc": "UserNotFound",
    },
)


@pytest.mark.parametrize(
    ("answers", "key", "reason"),
    [
        ({"user": NOBODY}, KEY, "User with api_key '[hidden]' not found."),
        ({"heartbeat": Answer(503)}, None, "the server failed (503)"),
        ({"user": Answer(fault="hang")}, KEY, "no answer in time"),
        ({"user": Answer(body="<html>")}, KEY, "the answer is not JSON but something else"),
    ],
)
async def test_the_check_says_why_not(
    answers: dict[str, Any], key: str | None, reason: str
) -> None:
    with serve(staged(**answers)) as server:
        assert await check(entry(server.url, timeout=0.5), key) == Check(False, reason)


async def test_the_check_of_a_dead_host_says_so() -> None:
    found = await check(entry(dead_url()))
    assert not found.ok
    assert "nobody answers" in found.reason
