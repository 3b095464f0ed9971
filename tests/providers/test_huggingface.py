"""The real huggingface_hub against a server on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from providers import huggingface
from providers.base import Check, Entry, Model, PictureRequest
from providers.errors import (
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    Refused,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, python, unheard
from tests.canned import in_base64, picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, serve

SCHNELL = "black-forest-labs/FLUX.1-schnell"
KEY = "hf_geheim123"
FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=SCHNELL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check


def entry(base_url: str | None = None, usd: str | None = "0.003", **more: Any) -> Entry:
    price = None if usd is None else Decimal(usd)
    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(SCHNELL, price),), **more}
    return Entry("huggingface", "huggingface", base_url=base_url, **settings)


# What the model's own address answers


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    with serve(Answer(body=picture(form, 80, 48))) as server:
        made = await paint(entry(server.url))
    assert hashlib.sha256(made.data).digest() == hashlib.sha256(picture(form, 80, 48)).digest()
    assert (made.media_type, made.width, made.height) == (f"image/{form}", 80, 48)
    assert (made.seed, made.cost_usd) == (7, Decimal("0.003"))
    assert made.notes == ("made 80×48 instead of 64×64",)


async def test_an_unknown_price_is_an_unknown_cost() -> None:
    with serve(Answer(body=picture())) as server:
        made = await paint(entry(server.url, usd=None))
    assert (made.cost_usd, made.notes) == (None, ())


async def test_only_what_was_given_is_sent() -> None:
    full = PictureRequest("a fox", "blurry", 64, 64, seed=0, steps=3, guidance=0.0, model=SCHNELL)
    with serve(Answer(body=picture())) as server:
        await paint(entry(server.url))
        await paint(entry(server.url), full)
    bare, rich = (request.json["parameters"] for request in server.requests)
    assert bare == {"width": 64, "height": 64, "seed": 7}
    assert rich == {
        "negative_prompt": "blurry",
        "width": 64,
        "height": 64,
        "num_inference_steps": 3,
        "guidance_scale": 0.0,
        "seed": 0,
    }
    assert server.requests[0].json["inputs"] == "a fox"


async def test_the_organisation_that_pays_is_named() -> None:
    with serve(Answer(body=picture())) as server:
        await paint(entry(server.url, options={"bill_to": "acme"}))
    assert server.requests[0].headers["x-hf-bill-to"] == "acme"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_without_a_key_no_token_of_this_machine_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    with serve(Answer(body=picture())) as server:
        await paint(entry(server.url), key=None)
    assert "authorization" not in server.requests[0].headers


async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words() -> None:
    def parrot(request: Request) -> Answer:
        return Answer(401, body={"error": f"What is <b>{request.headers['authorization']}</b>?"})

    with serve(parrot) as server, pytest.raises(NotConfigured) as caught:
        await paint(entry(server.url))
    assert caught.value.reason == "the key was refused (401): What is Bearer [hidden] ?"
    assert caught.value.__cause__ is not None


async def test_one_provider_serves_many_keys_at_a_time_and_closes_what_it_opened() -> None:
    with serve(Answer(body=picture())) as server:
        provider = huggingface.create(entry(server.url))
        deadline = asyncio.get_running_loop().time() + 10
        for _ in range(2):
            calls = [
                provider.generate(FOX, key=f"hf_{n % 7}", deadline=deadline, report=unheard)
                for n in range(14)
            ]
            assert len(await asyncio.gather(*calls)) == 14
        await provider.aclose()
    assert {r.headers["authorization"] for r in server.requests} == {
        f"Bearer hf_{n}" for n in range(7)
    }


# The router


@pytest.fixture
def to_router() -> Callable[[str], Any]:
    """Points the SDK's two hosts, the hub and the router, at a server of ours."""
    from huggingface_hub import constants
    from huggingface_hub.inference._providers import _common

    @contextmanager
    def point(url: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constants, "ENDPOINT", url)
            patch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", url + "/{provider}")
            patch.setattr(_common, "HARDCODED_MODEL_INFERENCE_MAPPING", {})
            yield

    return point


def hub(*companies: str, task: str = "text-to-image") -> Answer:
    mapping = {
        name: {"status": "live", "providerId": f"{name}/schnell", "task": task}
        for name in companies
    }
    return Answer(body={"id": SCHNELL, "inferenceProviderMapping": mapping})


MAPPING = f"/api/models/{SCHNELL}"
NSCALE = "POST /nscale/v1/images/generations"
FAL = "POST /fal-ai/fal-ai/schnell"


async def test_the_router_is_asked_for_the_first_company_that_serves_the_model(
    to_router: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    answers = {
        MAPPING: hub("unheard-of", "nscale", "fal-ai"),
        NSCALE: Answer(body={"data": [{"b64_json": in_base64()}]}),
    }
    with serve(answers) as server, to_router(server.url):
        made = await paint(entry(), PictureRequest("a fox", "", 64, 64, 7, steps=4, model=SCHNELL))
    assert made.data == picture()
    assert made.notes == ("steps ignored by nscale",)
    assert [r.headers["authorization"] for r in server.requests] == [f"Bearer {KEY}"] * 2
    assert server.requests[0].query == "expand=inferenceProviderMapping"
    assert server.requests[1].json["size"] == "64x64"


async def test_the_company_named_in_the_options_is_asked(to_router: Callable[[str], Any]) -> None:
    answers: dict[str, Any] = {MAPPING: hub("nscale", "fal-ai"), "/x.webp": Answer()}
    with serve(answers) as server, to_router(server.url):
        answers["/x.webp"] = Answer(body=picture("webp"))
        answers[FAL] = Answer(body={"images": [{"url": server.url + "/x.webp"}]})
        made = await paint(entry(options={"provider": "fal-ai"}))
    assert (made.data, made.media_type) == (picture("webp"), "image/webp")
    assert "authorization" not in server.to("/x.webp")[0].headers


async def test_hf_inference_is_reached_through_the_router(to_router: Callable[[str], Any]) -> None:
    answers = {
        MAPPING: hub("hf-inference"),
        f"POST /hf-inference/models/{SCHNELL}": Answer(body=picture("jpeg")),
    }
    with serve(answers) as server, to_router(server.url):
        assert (await paint(entry())).data == picture("jpeg")
    assert len(server.requests) == 2


async def test_a_refusal_behind_the_router_stays_a_refusal(
    to_router: Callable[[str], Any],
) -> None:
    refusal = [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}]
    answers = {MAPPING: hub("fal-ai"), FAL: Answer(422, body=refusal)}
    with serve(answers) as server, to_router(server.url), pytest.raises(Refused, match="flagged"):
        await paint(entry())


async def test_a_picture_that_cannot_be_fetched_may_have_been_billed(
    to_router: Callable[[str], Any],
) -> None:
    answers = {MAPPING: hub("fal-ai"), FAL: Answer(body={"images": [{"url": dead_url()}]})}
    with serve(answers) as server, to_router(server.url), pytest.raises(OutcomeUnknown):
        await paint(entry())


async def test_an_answer_of_the_wrong_shape_is_no_picture(to_router: Callable[[str], Any]) -> None:
    answers = {MAPPING: hub("nscale"), NSCALE: Answer(body={"data": []})}
    with serve(answers) as server, to_router(server.url), pytest.raises(Unavailable):
        await paint(entry())


@pytest.mark.parametrize(
    ("answer", "options", "error", "words"),
    [
        (hub(), {}, Unsupported, "is not served by any company"),
        (hub("nscale", task="conversational"), {}, Unsupported, "is not served by any company"),
        (hub("fal-ai"), {"provider": "nscale"}, Unsupported, "is not served by nscale"),
        (hub("nscale"), {"provider": "nsclae"}, NotConfigured, "nsclae.*nscale"),
        (Answer(404, {"x-error-code": "RepoNotFound"}), {}, Unsupported, "is not served there"),
        (Answer(401, {"x-error-code": "RepoNotFound"}), {}, Unsupported, "is not served there"),
        (Answer(401, body={"error": "bad token"}), {}, NotConfigured, "bad token"),
        (Answer(500, body=["no"]), {}, Unavailable, "the server failed"),
        (Answer(body="<html>"), {}, Unsupported, "no model that Hugging Face knows"),
        (Answer(fault="close"), {}, Unavailable, "nobody answers"),
    ],
)
async def test_a_model_without_a_route_is_told_before_anything_is_sent(
    answer: Answer,
    options: dict[str, str],
    error: type[ProviderError],
    words: str,
    to_router: Callable[[str], Any],
) -> None:
    with serve({MAPPING: answer}) as server, to_router(server.url):
        with pytest.raises(error, match=words):
            await paint(entry(options=options))
    assert [r for r in server.requests if r.method == "POST"] == []


async def test_a_hub_that_hangs_holds_up_neither_the_deadline_nor_the_event_loop(
    to_router: Callable[[str], Any],
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with serve(Answer(fault="hang")) as server, to_router(server.url):
        with pytest.raises(Unavailable, match="in time"):
            await paint(entry(), seconds=0.5)
    ticking.cancel()
    assert ticks > 10


async def test_a_route_is_looked_up_once_for_each_key(to_router: Callable[[str], Any]) -> None:
    answers = {MAPPING: hub("nscale"), NSCALE: Answer(body={"data": [{"b64_json": in_base64()}]})}
    with serve(answers) as server, to_router(server.url):
        provider = huggingface.create(entry())
        deadline = asyncio.get_running_loop().time() + 5
        for key in ("hf_a", "hf_a", "hf_b"):
            await provider.generate(FOX, key=key, deadline=deadline, report=unheard)
        await provider.aclose()
    assert [r.headers["authorization"] for r in server.to(MAPPING)] == [
        "Bearer hf_a",
        "Bearer hf_b",
    ]


async def test_another_companys_key_needs_its_name_and_is_not_shown_to_the_hub(
    to_router: Callable[[str], Any],
) -> None:
    with serve({MAPPING: hub("nscale")}) as server, to_router(server.url):
        with pytest.raises(NotConfigured, match=r"options\.provider"):
            await paint(entry(), key="fal-secret")
        assert server.requests == []
        with pytest.raises(Unsupported):
            await paint(entry(options={"provider": "fal-ai"}), key="fal-secret")
    assert "authorization" not in server.requests[0].headers


async def test_the_router_takes_nobody_without_a_key() -> None:
    with pytest.raises(NotConfigured, match="no key"):
        await paint(entry(), key=None)


# The check

OWNER = Answer(body={"name": "ada", "isPro": False})
BILLING = "GET /api/settings/billing/usage-v2"


def bill(usage: Any) -> Any:
    """As HF's own ml-intern reads it (d9283ec, 2026-06-13); the service documents no shape."""
    return {"usage": {"inferenceProviders": usage}}


async def test_a_good_key_is_checked_without_making_a_picture(
    to_router: Callable[[str], Any],
) -> None:
    answers = {"GET /api/whoami-v2": OWNER, BILLING: Answer(403)}
    with serve(answers) as server, to_router(server.url):
        assert await check(entry()) == Check(True, "the key is ada's")
    assert {request.method for request in server.requests} == {"GET"}


async def test_a_key_that_may_see_the_bill_tells_what_is_left_of_the_months_credit(
    to_router: Callable[[str], Any],
) -> None:
    usage = {"usedNanoUsd": 33_000_000, "includedNanoUsd": 100_000_000, "limitNanoUsd": 0,
             "numRequests": 11, "periodEnd": "2026-12-01T00:00:00.000Z"}  # fmt: skip
    answers = {"GET /api/whoami-v2": OWNER, BILLING: Answer(body=bill(usage))}
    with serve(answers) as server, to_router(server.url):
        quota = (await check(entry())).quota
    assert quota is not None
    assert (quota.left, quota.limit, quota.unit) == (Decimal("0.067"), Decimal("0.1"), "usd")
    assert quota.resets_at == datetime(2026, 12, 1, tzinfo=timezone.utc)
    asked = next(request for request in server.requests if "billing" in request.path)
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("body", [
    {}, [], {"usage": None}, {"usage": {"inferenceProviders": {"usedNanoUsd": "much"}}},
    {"usage": {"inferenceProviders": {"usedNanoUsd": 1, "includedNanoUsd": float("nan")}}},
    {"usage": {"inferenceProviders": {"usedNanoUsd": 1, "includedNanoUsd": 2, "periodEnd": 3}}},
    "<!doctype html>",
])  # fmt: skip
async def test_a_bill_that_nobody_understands_spoils_no_check(
    body: Any, to_router: Callable[[str], Any]
) -> None:
    with serve({"GET /api/whoami-v2": OWNER, BILLING: Answer(body=body)}) as server:
        with to_router(server.url):
            assert await check(entry()) == Check(True, "the key is ada's")


RETIRED = [
    "stabilityai/stable-diffusion-2-1", "runwayml/stable-diffusion-v1-5",
    "CompVis/stable-diffusion-v1-4", "stabilityai/stable-diffusion-xl-base-1.0",
]  # fmt: skip


@pytest.mark.parametrize("model", RETIRED)
async def test_a_retired_model_is_answered_with_what_replaced_it_and_nothing_is_sent(
    model: str, to_router: Callable[[str], Any]
) -> None:
    with serve(Answer(500)) as server, to_router(server.url):
        with pytest.raises(Unsupported, match=r"no longer served; .*FLUX.1-schnell replaces it"):
            await paint(entry(), replace(FOX, model=model))
    assert server.requests == []


async def test_at_an_address_of_ones_own_a_retired_model_may_live_on() -> None:
    with serve(Answer(headers={"content-type": "image/png"}, body=picture("png"))) as server:
        made = await paint(entry(server.url), replace(FOX, model=RETIRED[3]))
    assert made.data == picture("png")


async def test_a_bad_key_is_found_out(to_router: Callable[[str], Any]) -> None:
    answers = {"GET /api/whoami-v2": Answer(401, body={"error": f"no such token: {KEY}"})}
    with serve(answers) as server, to_router(server.url):
        found = await check(entry())
    assert found == Check(False, "the key was refused (401): no such token: [hidden]")


async def test_a_check_ends_in_time(to_router: Callable[[str], Any]) -> None:
    begun = time.monotonic()
    with serve(Answer(fault="hang")) as server, to_router(server.url):
        assert await check(entry(connect_timeout=0.4)) == Check(False, "no answer in time")
    assert time.monotonic() - begun < 6


async def test_an_own_address_is_checked_by_connecting_and_shown_no_key() -> None:
    with serve(Answer(500)) as server:
        found = await check(entry(server.url.replace("//", "//ada:secret@")), None)
        assert (found.ok, found.reason) == (True, f"{server.url[7:]} answers")
        assert server.requests == []
    assert (await check(entry(dead_url()), None)).reason.startswith("nobody answers at 127.0.0.1")
    assert await check(entry(), None) == Check(False, "no key")


# The SDK


def test_an_sdk_that_is_told_to_stay_offline_is_not_configured() -> None:
    code = """
import asyncio
from providers.base import Entry, PictureRequest
from providers.huggingface import create
async def main():
    hub = create(Entry("hf", "huggingface", base_url="http://127.0.0.1:9/"))
    deadline = asyncio.get_running_loop().time() + 5
    await hub.generate(PictureRequest("a fox"), key="hf_x", deadline=deadline, report=print)
try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__, error)
"""
    assert python(code, HF_HUB_OFFLINE="1").splitlines()[-1].startswith("NotConfigured")
