"""The real replicate SDK against a server on loopback that says what Replicate's says."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers import replicate
from providers._replicate_sdk import Refusal
from providers.base import Model, PictureRequest, Progress
from providers.errors import (
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, unheard
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve
from tests.wire.replicate.rig import (
    ACCOUNT,
    ASK,
    ASK_VERSION,
    CANCEL,
    FETCH,
    KEY,
    LATEST,
    LOOK,
    MODEL,
    OPTIONS,
    SD,
    SDXL,
    VERSION,
    after,
    entry,
    prediction,
    stage,
)

pytest.importorskip("replicate")  # which takes a second, and should not take it from a deadline

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
PRICED = tuple(Model(name, Decimal("0.003")) for name in (MODEL, SDXL, SD))
AT_WORK = Answer(body=prediction("processing"))


def staged(**instead: Any) -> Any:
    """All goes well, but for what is named: `ASK=…`, `LOOK=…`."""
    names = {"ASK": ASK, "LOOK": LOOK, "CANCEL": CANCEL, "FETCH": FETCH, "LATEST": LATEST}
    places: Any = stage()
    return {**places, **{names[name]: answer for name, answer in instead.items()}}


# What it answers


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    with serve(stage(picture=Answer(body=picture(form)))) as server:
        got = await paint(entry(server.url, models=PRICED))
    assert hashlib.sha256(got.data).digest() == hashlib.sha256(picture(form)).digest()
    assert (got.media_type, got.width, got.height) == (f"image/{form}", 64, 64)
    assert (got.seed, got.cost_usd, got.notes) == (7, Decimal("0.003"), ())


async def test_what_is_reported_is_the_status_and_the_last_percentage_of_the_logs() -> None:
    logs = "Using seed: 7\n 25%|██▌ | 1/4 [00:00<00:00]\n 50%|█████ | 2/4 [00:00<00:00]"
    told: list[Progress] = []
    looks = after(
        Answer(body=prediction("queued")), Answer(body=prediction("processing", logs=logs))
    )
    with serve(staged(LOOK=looks)) as server:
        await paint(entry(server.url), told=told)
    assert [(p.words, p.fraction) for p in told] == [
        ("sent", None), ("starting", None), ("queued", None), ("processing", 0.5),
    ]  # fmt: skip


# What it is asked


async def test_an_official_model_is_called_by_its_name_and_gets_only_what_it_takes() -> None:
    full = PictureRequest("a fox", "blurry", 1024, 832, 7, steps=9, guidance=3.5, model=MODEL)
    with serve(stage()) as server:
        got = await paint(entry(server.url), full)
    assert server.to(ASK)[0].json == {
        "input": {
            "prompt": "a fox", "aspect_ratio": "5:4", "seed": 7, "num_inference_steps": 4,
            "output_format": "png", "go_fast": False,
        }
    }  # fmt: skip
    assert server.to(ASK)[0].headers["authorization"] == f"Bearer {KEY}"
    assert "prefer" not in server.to(ASK)[0].headers
    assert got.notes == (
        "rounded 1024×832 to the shape 5:4", "made 64×64 instead of 1024×832",
        "negative prompt ignored by replicate", "steps 9 became 4", "guidance ignored by replicate",
    )  # fmt: skip


async def test_a_community_model_is_called_by_its_version_which_is_looked_up_once() -> None:
    full = PictureRequest("a fox", "bad", 1000, 1003, 0, steps=9, guidance=0.5, model=SDXL)
    with serve(stage()) as server:
        provider = replicate.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        for request in (full, replace(FOX, model=SDXL, width=512, height=512)):
            got = await provider.generate(request, key=KEY, deadline=deadline, report=unheard)
        await provider.aclose()
    assert (len(server.to(LATEST)), len(server.to(ASK_VERSION))) == (1, 2)
    rich, bare = (request.json for request in server.to(ASK_VERSION))
    assert rich == {
        "version": VERSION,
        "input": {
            "prompt": "a fox", "negative_prompt": "bad", "width": 1000, "height": 1000, "seed": 0,
            "num_inference_steps": 9, "guidance_scale": 1,
        },
    }  # fmt: skip
    assert bare["input"] == {"prompt": "a fox", "width": 512, "height": 512, "seed": 7}
    assert got.notes == ("made 64×64 instead of 512×512",)


async def test_a_version_that_config_names_is_not_looked_up() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url), replace(FOX, model=SD))
    assert server.to(ASK_VERSION)[0].json["version"] == "ac732df8"
    assert [request.path for request in server.requests] == [
        "/v1/predictions", LOOK.split()[1], "/out-0.png",
    ]  # fmt: skip


async def test_a_version_that_is_not_accepted_is_looked_up_again() -> None:
    refused = Answer(422, body={"detail": "The specified version does not exist"})
    with serve({**staged(), ASK_VERSION: refused}) as server:
        provider = replicate.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        for _ in range(2):
            with pytest.raises(Unsupported):
                await provider.generate(
                    replace(FOX, model=SDXL, width=512, height=512),
                    key=KEY, deadline=deadline, report=unheard,
                )  # fmt: skip
        await provider.aclose()
    assert len(server.to(LATEST)) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(404), Unsupported),
        (Answer(body={"latest_version": None}), Unsupported),
        (Answer(fault="close"), Unavailable),
        (Answer(fault="hang"), Unavailable),
    ],
)
async def test_a_version_that_cannot_be_looked_up_costs_nothing(
    answer: Answer, outcome: type[ProviderError]
) -> None:
    request = replace(FOX, model=SDXL, width=512, height=512)
    with serve(staged(LATEST=answer)) as server, pytest.raises(outcome):
        await paint(entry(server.url, models=PRICED), request, seconds=0.4)
    assert len(server.requests) == 1


async def test_a_model_that_config_says_nothing_of_gets_the_usual_inputs() -> None:
    request = replace(FOX, negative_prompt="bad", model="somebody/something", steps=3)
    path = "POST /v1/models/somebody/something/predictions"
    with serve({**staged(), path: Answer(201, body=prediction("starting"))}) as server:
        got = await paint(entry(server.url), request)
    assert server.to(path)[0].json["input"] == {
        "prompt": "a fox", "negative_prompt": "bad", "width": 64, "height": 64, "seed": 7,
        "num_inference_steps": 3,
    }  # fmt: skip
    assert got.cost_usd is None


@pytest.mark.parametrize(
    ("known", "outcome", "reason"),
    [
        ({"fields": {"aspect_ratio": "aspect_ratio"}}, NotConfigured, "has no aspect_ratios"),
        ({"fields": {"aspect_ratio": "aspect_ratio"}, "aspect_ratios": [969]}, NotConfigured, "in quotes"),
        ({"fields": 7}, NotConfigured, "does not say"),
        ({"fields": {"aspect_ratio": "aspect_ratio"}, "aspect_ratios": ["9:21"]}, Unsupported, "the nearest shape is 9:21"),
        ({"sides": {"min": 512, "max": 512}}, Unsupported, "the nearest is 512×512"),
    ],
)  # fmt: skip
async def test_a_map_that_is_none_and_a_shape_that_is_not_made_are_told_unsent(
    known: Any, outcome: type[ProviderError], reason: str
) -> None:
    options = {"inputs": {MODEL: known}}
    with serve(stage()) as server:
        with pytest.raises(outcome, match=reason):
            await paint(entry(server.url, options=options), replace(FOX, width=2048, height=1024))
    assert server.requests == []


async def test_a_model_without_a_seed_gets_none_and_says_so() -> None:
    options = {"inputs": {MODEL: {"fields": {"prompt": "prompt"}}}}
    with serve(stage()) as server:
        got = await paint(entry(server.url, options=options))
    assert (got.seed, got.notes) == (None, ("seed ignored by replicate",))
    assert server.to(ASK)[0].json == {"input": {"prompt": "a fox"}}


async def test_variables_of_the_sdk_do_not_lead_us_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(stage()) as server, serve(stage()) as other:
        monkeypatch.setenv("REPLICATE_BASE_URL", other.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", "somebody-elses")
        await paint(entry(server.url))
        with pytest.raises(NotConfigured, match="no key"):
            await paint(entry(server.url), key=None)
    assert other.requests == []
    assert {r.headers.get("authorization") for r in server.requests} == {f"Bearer {KEY}", None}


async def test_the_host_of_the_picture_sees_no_token_and_may_not_be_a_private_one() -> None:
    with serve(Answer(body=picture())) as other:
        output = Answer(body=prediction("succeeded", output=[f"{other.url}/a.png"]))
        with serve(staged(LOOK=output)) as server:
            with pytest.raises(OutcomeUnknown, match="could not be fetched"):
                await paint(entry(server.url, models=PRICED))
        assert other.requests == []
    with serve(stage()) as server:
        await paint(entry(server.url))
        assert "authorization" not in server.to(FETCH)[0].headers
        assert KEY not in str(server.to(FETCH)[0].headers)


@pytest.mark.parametrize("status", [200, 400, 401, 402, 429, 500])
async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words(status: int) -> None:
    def parrot(request: Request) -> Answer:
        said = f"what is {request.headers['authorization']}?"
        return Answer(status, body=prediction("failed", error=said, detail=said, title=said))

    with serve(parrot) as server, pytest.raises(ProviderError) as caught:
        await paint(entry(server.url))
    assert "what is Bearer [hidden]?" in str(caught.value)
    assert KEY not in repr(caught.value.__cause__)


# What goes wrong on the way


async def test_nothing_is_asked_again_by_the_sdk() -> None:
    for status in (429, 503, 504):
        busy = Answer(status, {"retry-after": "3600"}, {"detail": "later"})
        with serve({**staged(ASK=busy), ACCOUNT: busy}) as server:
            begun = time.monotonic()
            with pytest.raises((RateLimited, Unavailable)) as caught:
                await paint(entry(server.url))
            assert not (await check(entry(server.url))).ok
            assert time.monotonic() - begun < 1
            assert [request.method for request in server.requests] == ["POST", "GET"]
        assert isinstance(caught.value.__cause__, Refusal)


async def test_a_failed_look_is_no_lost_prediction_but_five_are_and_it_is_canceled() -> None:
    hiccups = after(Answer(429, {"retry-after": "60"}), Answer(fault="close"))
    with serve(staged(LOOK=hiccups)) as server:
        assert (await paint(entry(server.url))).data == picture()
        assert server.to(CANCEL) == []
    with serve(staged(LOOK=Answer(502))) as server:
        with pytest.raises(OutcomeUnknown, match=r"lost sight of: .*may have been billed"):
            await paint(entry(server.url, models=PRICED), seconds=10)
        assert (len(server.to(LOOK)), len(server.to(CANCEL))) == (5, 1)


async def test_a_paid_picture_that_is_not_done_in_time_may_have_been_billed() -> None:
    with serve(staged(LOOK=AT_WORK)) as server:
        with pytest.raises(OutcomeUnknown, match="may have been billed"):
            await paint(entry(server.url, models=PRICED), seconds=0.5)


@pytest.mark.parametrize("base_url", ["api.replicate.com", "ftp://127.0.0.1", "http://[::1"])
async def test_an_address_that_is_none_is_not_configured(base_url: str) -> None:
    with pytest.raises(NotConfigured, match="base_url"):
        await paint(entry(base_url))


# Stopping


async def stopped(places: Any, until: str) -> list[Request]:
    """The requests of a call that is cancelled once `until` has come."""
    with serve(places) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        assert await asyncio.to_thread(server.wait_for, until)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return server.to(CANCEL)


async def test_a_cancelled_call_cancels_the_prediction() -> None:
    cancels = await stopped(staged(LOOK=AT_WORK), LOOK)
    assert [request.headers["authorization"] for request in cancels] == [f"Bearer {KEY}"]


async def test_a_call_that_is_cancelled_within_a_look_cancels_the_prediction() -> None:
    assert len(await stopped(staged(LOOK=Answer(fault="hang")), LOOK)) == 1


async def test_a_call_that_is_cancelled_before_the_prediction_has_a_name_waits_for_it() -> None:
    def slow(_: Request) -> Answer:
        time.sleep(0.3)
        return Answer(201, body=prediction("starting"))

    assert len(await stopped(staged(ASK=slow), ASK)) == 1
    begun = time.monotonic()
    assert await stopped(staged(ASK=Answer(fault="hang")), ASK) == []
    assert time.monotonic() - begun < 2


async def test_the_deadline_cancels_the_prediction_even_if_nobody_hears_it() -> None:
    async def be_late(cancel: Answer) -> None:
        begun = time.monotonic()
        with serve(staged(LOOK=AT_WORK, CANCEL=cancel)) as server:
            with pytest.raises(Unavailable, match="not done in time"):
                await paint(entry(server.url), seconds=0.5)
            assert len(server.to(CANCEL)) == 1
        assert time.monotonic() - begun < 3

    canceled = Answer(body=prediction("canceled"))
    await asyncio.gather(*map(be_late, (canceled, Answer(fault="hang"), Answer(500))))


async def test_the_entrys_own_timeout_ends_an_attempt_before_the_deadline() -> None:
    begun = time.monotonic()
    with serve(staged(LOOK=AT_WORK)) as server:
        with pytest.raises(Unavailable, match="not done in time"):
            await paint(entry(server.url, timeout=0.3), seconds=60)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(("timeout", "minutes"), [(5, "1m"), (60, "1m"), (90, "2m")])
async def test_replicate_is_told_when_to_give_up_by_itself(timeout: float, minutes: str) -> None:
    with serve(stage()) as server:
        await paint(entry(server.url, timeout=timeout), seconds=600)
    assert server.to(ASK)[0].headers["cancel-after"] == minutes


async def test_one_provider_asks_over_one_connection_and_can_do_so_at_the_same_time() -> None:
    with serve(stage()) as server:
        provider = replicate.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 5
        for _ in range(2):
            await provider.generate(FOX, key=KEY, deadline=deadline, report=unheard)
        ports = {request.port for request in server.requests if request.path != "/out-0.png"}
        assert len(ports) == 1
        made = await asyncio.gather(
            *(
                provider.generate(
                    replace(FOX, seed=seed), key=KEY, deadline=deadline, report=unheard
                )
                for seed in range(12)
            )
        )
        await provider.aclose()
    assert [one.seed for one in made] == list(range(12))


# The check


async def test_the_check_asks_whose_the_token_is_and_for_no_picture() -> None:
    with serve(stage()) as server:
        told = await check(entry(server.url))
    assert (told.ok, told.reason, told.quota) == (True, "the token is fox's", None)
    assert [request.path for request in server.requests] == ["/v1/account"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, body={"detail": "no"}), "the key was refused (401): no"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(fault="close"), "no whole answer"),
        (Answer(body="<html>"), "not JSON"),
        (Answer(body={"type": "robot"}), "not as it should"),
        (Answer(503), "the server failed"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    with serve({ACCOUNT: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.1))
    assert (told.ok, reason in told.reason) == (False, True), told


async def test_the_check_of_a_dead_host_says_so() -> None:
    assert "nobody answers" in (await check(entry(dead_url()))).reason


# The SDK


def test_the_traits_say_that_a_company_reads_the_prompt_and_that_a_key_is_needed() -> None:
    assert (replicate.TRAITS.needs_key, replicate.TRAITS.needs_address) == (True, False)
    assert replicate.TRAITS.sends_prompt_to is not None
    assert replicate.TRAITS.sends_prompt_to.who == "company"
    assert OPTIONS["versions"][SDXL] == "latest"
