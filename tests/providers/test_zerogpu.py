"""The real gradio_client against a real Space, and against one that breaks. What each answer on
record means is told in test_contract.py.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from providers import zerogpu
from providers._space_call import call_of, picture_in, seed_in, space_of
from providers.base import Check, Model, PictureRequest, Progress, Quota
from providers.errors import (
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, python, unheard
from tests.canned import picture
from tests.loopback import Answer, Request, serve
from tests.wire.zerogpu.rig import (
    CANCEL,
    CONFIG,
    FETCH,
    JOIN,
    KEY,
    MODEL,
    SPACE,
    STREAM,
    completed,
    config,
    entry,
    stage,
    stream,
)

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check


def staged(**more: Any) -> dict[str, Any]:
    answers = stage()
    assert isinstance(answers, dict)
    return {**answers, **more}


async def until(condition: Any, seconds: float = 10) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        await asyncio.sleep(0.02)


# A real Space


async def test_jobs_wait_in_the_queue_and_a_full_queue_is_unavailable(space: str) -> None:
    """The Space works on one job at a time and lets one more wait."""
    told: list[Progress] = []
    hang, wait = replace(FOX, prompt="hang"), replace(FOX, prompt="waits")
    slow = entry(space, timeout=30)
    first = asyncio.create_task(paint(slow, hang, seconds=20, told=told))
    await until(lambda: any(progress.fraction for progress in told))
    heard: list[Progress] = []
    second = asyncio.create_task(paint(slow, wait, seconds=20, told=heard))
    await until(lambda: any(progress.queue_place is not None for progress in heard))
    with pytest.raises(Unavailable, match="is full"):
        await paint(slow, seconds=5)
    first.cancel()
    assert (await second).seed == 7
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_job_of_a_real_space_is_cut_at_the_deadline(space: str) -> None:
    begun, threads = time.monotonic(), set(threading.enumerate())
    with pytest.raises(Unavailable, match="was not done in time"):
        await paint(entry(space), replace(FOX, prompt="hang"), seconds=1)
    assert time.monotonic() - begun < 3
    await until(lambda: not _more_than(threads), 3)
    assert (await paint(entry(space))).seed == 7  # it was taken out of the queue of one


async def test_a_real_space_with_another_api_is_unsupported(space: str) -> None:
    for change in ({"api_name": "/predict"}, {"parameters": {"motif": "prompt"}}):
        options = {"spaces": {MODEL: {**SPACE, **change}}}
        with pytest.raises(Unsupported, match="its API has changed"):
            await paint(entry(space, options=options))
    found = await check(entry(space, options={"spaces": {MODEL: {**SPACE, "api_name": "/x"}}}))
    assert (found.ok, "its API has changed" in found.reason) == (False, True)


async def test_the_check_asks_a_real_space_and_makes_nothing(space: str) -> None:
    found = await check(entry(space), key=None)
    assert found == Check(True, f"{space.removeprefix('http://')} answers")


# What is sent


async def test_only_what_was_given_is_sent_and_the_spaces_own_defaults_fill_the_rest() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url))
        sent = server.to(JOIN)[0]
    assert sent.json["data"] == ["a fox", 7, False, 64, 64, 4]


async def test_a_size_and_a_seed_become_what_the_space_has() -> None:
    asked = PictureRequest("a fox", "dogs", 1000, 1000, 2**31 + 5, 99, 3.0, MODEL)
    space = space_of({"spaces": {MODEL: SPACE}}, MODEL)
    call = call_of(space, asked)
    assert (call.size, call.seed) == ((992, 992), 5)
    assert call.notes == (
        "negative prompt ignored by zerogpu",
        "guidance ignored by zerogpu",
        "99 steps lowered to 50",
        "seed 2147483653 became 5",
    )
    assert call_of(space, replace(asked, width=4096, height=2048)).size == (2048, 1024)
    with pytest.raises(Unsupported, match="the nearest is 2048×32"):
        call_of(space, replace(asked, width=4096, height=32))


async def test_what_the_space_takes_no_field_for_is_noted() -> None:
    options = {"spaces": {MODEL: {"api_name": "infer", "parameters": {"prompt": "prompt"}}}}
    with serve(stage()) as server:
        made = await paint(entry(server.url, options=options), replace(FOX, steps=3))
        assert server.to(JOIN)[0].json["data"] == ["a fox", 0, True, 1024, 1024, 4]
    assert made.seed is None
    assert made.notes == ("seed ignored by zerogpu", "steps ignored by zerogpu")


async def test_the_seed_that_the_space_says_it_used_is_the_pictures() -> None:
    output = {"data": [{"path": "/tmp/gradio/1a2b/image.webp"}, 12345.0]}
    with serve(staged(**{STREAM: stream(completed(output))})) as server:
        assert (await paint(entry(server.url))).seed == 12345


@pytest.mark.parametrize(
    ("result", "path", "seed"),
    [
        ({"path": "/a.webp"}, "/a.webp", None),
        (({"path": "/a.webp"}, 7), "/a.webp", 7),
        ([[{"image": {"path": "/a.png"}, "caption": None}], "8", True], "/a.png", None),
        ((None, float("inf"), 7), None, 7),
        ("", None, None),
        ({"path": 5}, None, None),
    ],
)
def test_a_picture_is_found_wherever_a_space_puts_it(
    result: Any, path: str | None, seed: int | None
) -> None:
    assert (picture_in(result), seed_in(result)) == (path, seed)


async def test_a_space_that_is_not_mapped_is_not_configured() -> None:
    for options in ({}, {"spaces": {MODEL: {"api_name": "/infer"}}}, {"spaces": {"other": SPACE}}):
        with pytest.raises(NotConfigured, match="does not say how to call"):
            await paint(entry("http://127.0.0.1:1", options=options))


# Keys and cookies


async def test_the_key_and_the_spaces_cookies_go_to_the_space_and_nowhere_else() -> None:
    with serve(Answer(body=picture("webp"))) as elsewhere:
        away = Answer(302, {"location": elsewhere.url + "/x.webp"})
        cookie = Answer(headers={"set-cookie": "replica=b; Path=/"}, body=config())
        with serve(staged(**{CONFIG: cookie, FETCH: away})) as server:
            with pytest.raises(Unavailable, match="could not be fetched"):
                await paint(entry(server.url))
            fetched = server.to(FETCH)[0].headers
        assert elsewhere.requests == []
    assert fetched["x-hf-authorization"] == f"Bearer {KEY}"
    assert fetched["cookie"] == "replica=b"


async def test_where_the_space_sends_us_on_for_the_picture_the_key_stays_behind() -> None:
    away = Answer(302, {"location": "/cdn/image.webp"})
    with serve(staged(**{FETCH: away, "/cdn/image.webp": Answer(body=picture())})) as server:
        assert (await paint(entry(server.url))).data == picture()
        assert "x-hf-authorization" not in server.to("/cdn/image.webp")[0].headers


async def test_a_space_that_repeats_the_key_does_not_get_it_into_our_words() -> None:
    def parrot(request: Request) -> Answer:
        said = f"<p>{request.headers['x-hf-authorization']} is over. Try again in 0:00:10"
        return stream(completed({"error": said, "title": f"Oh {KEY}"}, False))

    with serve(staged(**{STREAM: parrot})) as server, pytest.raises(Unavailable) as caught:
        await paint(entry(server.url))
    assert KEY not in str(caught.value)
    assert "Oh [hidden]: Bearer [hidden] is over" in str(caught.value)


# Dead and broken


async def test_before_a_job_is_sent_nothing_can_have_been_billed() -> None:
    priced = (Model(MODEL, Decimal("0.01")),)
    with serve(staged(**{CONFIG: Answer(fault="hang")})) as server:
        with pytest.raises(Unavailable, match="did not answer in time"):
            await paint(entry(server.url, models=priced), seconds=1.5)
    with serve(staged(**{STREAM: Answer(fault="hang")})) as server:
        with pytest.raises(OutcomeUnknown):
            await paint(entry(server.url, models=priced), seconds=1.5)


async def test_a_late_job_is_taken_back_and_leaves_no_thread() -> None:
    threads = set(threading.enumerate())
    with serve(staged(**{STREAM: Answer(fault="hang")})) as server:
        with pytest.raises(Unavailable):
            await paint(entry(server.url, timeout=1.5), seconds=60)
        assert server.to(CANCEL)[0].json["event_id"] == "e1"
        await until(lambda: not _more_than(threads), 3)


async def test_a_space_that_hangs_even_when_a_job_is_taken_back_is_given_up() -> None:
    begun, threads = time.monotonic(), set(threading.enumerate())
    hang = Answer(fault="hang")
    with serve(staged(**{STREAM: hang, CANCEL: hang})) as server:
        with pytest.raises(Unavailable):
            await paint(entry(server.url), seconds=1.5)
        assert time.monotonic() - begun < 6
        await until(lambda: not _more_than(threads), 3)


async def test_a_client_is_kept_after_success_and_thrown_away_after_an_error() -> None:
    asked = [Answer(body={"event_id": "e1"}), Answer(500), Answer(body={"event_id": "e1"})]
    with serve(staged(**{JOIN: asked})) as server:
        provider = zerogpu.create(entry(server.url))
        outcomes = []
        for _ in range(3):
            deadline = asyncio.get_running_loop().time() + 5
            try:
                await provider.generate(FOX, key=None, deadline=deadline, report=unheard)
                outcomes.append(len(server.to(CONFIG)))
            except ProviderError:
                outcomes.append(-1)
        await provider.aclose()
    assert outcomes == [1, -1, 2]


async def test_many_keys_at_a_time_keep_apart() -> None:
    with serve(stage()) as server:
        provider = zerogpu.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 10
        calls = [
            provider.generate(FOX, key=f"hf_{n}", deadline=deadline, report=unheard)
            for n in range(10)
        ]
        assert len(await asyncio.gather(*calls)) == 10
        await provider.aclose()
    keys = sorted(request.headers["x-hf-authorization"] for request in server.to(JOIN))
    assert keys == [f"Bearer hf_{n}" for n in range(10)]


# The hub


def found(url: str, stage: str = "RUNNING") -> Answer:
    return Answer(body={"id": MODEL, "host": url, "runtime": {"stage": stage}, "siblings": []})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    from huggingface_hub import HfApi, constants, hf_api

    def point(url: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(hf_api.api, "endpoint", url)
        monkeypatch.setattr(HfApi, "endpoint", url, raising=False)

    return point


@pytest.mark.parametrize(
    ("stages", "error", "words"),
    [
        (found("", "PAUSED"), Unavailable, "does not run"),
        (found("", "RUNTIME_ERROR"), Unavailable, "does not run"),
        (found("", "BUILDING"), Unavailable, "is being built"),
        (Answer(404, {"x-error-code": "RepoNotFound"}), Unsupported, "is not served there"),
        (Answer(401, {"x-error-code": "RepoNotFound"}), Unsupported, "is not served there"),
        (Answer(429), ProviderError, "too many requests"),
        (Answer(500), Unavailable, "the server failed"),
        (Answer(fault="close"), Unavailable, "nobody answers"),
    ],
)
async def test_a_space_that_does_not_run_is_told_before_anything_is_sent(
    hub: Any, stages: Answer, error: type[ProviderError], words: str
) -> None:
    with serve({f"/api/spaces/{MODEL}": stages}) as server:
        hub(server.url)
        with pytest.raises(error, match=words):
            await paint(entry(None))
    assert len(server.requests) == 1


async def test_a_named_space_is_found_by_the_hub_without_this_machines_token(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    answers = staged()
    with serve(answers) as server:
        hub(server.url)
        answers[f"GET /api/spaces/{MODEL}"] = found(server.url)
        with pytest.raises(Unavailable, match="https"):  # a private address that nobody gave us
            await paint(entry(None), key=None)
        assert server.to(JOIN)
        assert "hf_of_this_machine" not in str([r.headers for r in server.requests])


async def test_the_check_says_what_is_left_of_the_gpu_time(hub: Any) -> None:
    answers = staged()
    with serve(answers) as server:
        hub(server.url)
        answers[f"GET /api/spaces/{MODEL}"] = found(server.url)
        answers["GET /api/spaces/zero-gpu/quota"] = Answer(
            body={"base": 300, "current": 181.5, "resetsAt": "2026-11-25T09:12:03.000Z"}
        )
        told = await check(entry(None))
        answers["GET /api/spaces/zero-gpu/quota"] = Answer(403, body={"error": "no permission"})
        silent = await check(entry(None))
        anonymous = await check(entry(None), key=None)
    assert told.quota is not None
    resets_at = datetime(2026, 11, 25, 9, 12, 3, tzinfo=timezone.utc)
    due = Quota(Decimal("181.5"), Decimal(300), "gpu_seconds", resets_at, told.quota.as_of)
    assert (told.ok, told.quota) == (True, due)
    assert (silent.ok, silent.quota, anonymous.quota) == (True, None, None)
    assert server.to(JOIN) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(fault="hang"), "no answer in time"),
        (Answer(503, body="<html>"), "asleep, paused or no Gradio app"),
        (Answer(body={"dependencies": [1]}), "no Gradio app"),
        (Answer(fault="close"), "nobody answers"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    begun = time.monotonic()
    with serve({CONFIG: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.4))
    assert (told.ok, reason in told.reason) == (False, True), told
    assert time.monotonic() - begun < 3


# The SDK


def test_no_telemetry_is_sent_even_where_nobody_turned_it_off() -> None:
    code = """if 1:
        import asyncio, os
        for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
            os.environ.pop(name, None)
        from tests.loopback import serve
        from tests.wire.zerogpu import rig
        from tests.providers.test_zerogpu import paint
        async def main():
            with serve(rig.stage()) as server:
                os.environ["HF_ENDPOINT"] = server.url
                await paint(rig.entry(server.url))
                await asyncio.sleep(0.3)
                print(len([r for r in server.requests if "telemetry" in r.path]))
        asyncio.run(main())
    """
    assert python(code) == "0"


def _more_than(threads: set[threading.Thread]) -> list[threading.Thread]:
    """Those that are new, but for the event loop's own and those of our servers."""
    new = [thread for thread in threading.enumerate() if thread not in threads]
    ours = ("asyncio_", "serve_forever", "process_request_thread")
    return [thread for thread in new if not any(name in thread.name for name in ours)]
