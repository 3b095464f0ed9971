"""The adapter for Stability: over REST against a server on loopback, and over gRPC the real
stability-sdk against a real gRPC server on its own generated servicer.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import socket
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from providers import stability
from providers._stability_grpc import Call
from providers.base import Model, PictureRequest
from providers.errors import (
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller, python, unheard
from tests.canned import picture
from tests.dead_hosts import black_hole, dead_url
from tests.left_behind import no_thread_is_left
from tests.loopback import Answer, Request, serve
from tests.wire.stability.rig import (
    ASK,
    ASK_SD3,
    BALANCE,
    KEY,
    MODEL,
    SDXL,
    Cable,
    entry,
    serve_grpc,
    stage,
)

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model=MODEL)
caller = Caller(FOX, KEY)
paint, check = caller.paint, caller.check
LARGE = PictureRequest("a fox", width=1024, height=1024, seed=7, model=SDXL)
PRICED = tuple(Model(name, Decimal("0.03")) for name in (MODEL, SDXL))

needs_sdk = pytest.mark.skipif(
    importlib.util.find_spec("stability_sdk") is None,
    reason="stability-sdk is not to be had for Python 3.13 or later",
)


# What it answers


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    sent = Answer(headers={"content-type": f"image/{form}"}, body=picture(form))
    with serve(stage(picture=sent)) as server:
        got = await paint(entry(server.url, models=PRICED))
    assert hashlib.sha256(got.data).digest() == hashlib.sha256(picture(form)).digest()
    assert (got.media_type, got.width, got.height) == (f"image/{form}", 64, 64)
    assert (got.seed, got.cost_usd, got.notes) == (7, Decimal("0.03"), ())


@needs_sdk
async def test_so_does_one_over_grpc() -> None:
    form = "webp"
    with serve_grpc(data=picture(form, 1024, 1024)) as server:
        got = await paint(entry(server.host, models=PRICED), LARGE)
    assert got.data == picture(form, 1024, 1024)
    assert (got.media_type, got.width, got.height) == (f"image/{form}", 1024, 1024)
    assert (got.seed, got.cost_usd, got.notes) == (7, Decimal("0.03"), ())
    await no_thread_is_left("stability")


# What it is asked


def fields(request: Request) -> dict[str, str]:
    """The fields of a multipart form; none of them is a file."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        assert b"filename" not in head
        found[head.partition(b'name="')[2].partition(b'"')[0].decode()] = value.decode()
    return found


async def test_rest_is_sent_a_form_of_only_what_it_takes_and_the_rest_is_noted() -> None:
    full = PictureRequest("a fox", "blurry", 1024, 832, 9, steps=9, guidance=3.5, model=MODEL)
    with serve(stage()) as server:
        await paint(entry(server.url))
        got = await paint(entry(server.url), full)
    bare, rich = server.to(ASK)
    assert bare.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert bare.headers["accept"] == "image/*"
    assert bare.headers["authorization"] == f"Bearer {KEY}"
    assert fields(bare) == {
        "prompt": "a fox", "aspect_ratio": "1:1", "seed": "7", "output_format": "png",
    }  # fmt: skip
    assert fields(rich) == {
        "prompt": "a fox", "negative_prompt": "blurry", "aspect_ratio": "5:4", "seed": "9",
        "output_format": "png",
    }  # fmt: skip
    assert got.notes == (
        "rounded 1024×832 to the shape 5:4", "made 64×64 instead of 1024×832",
        "seed 9 became 7", "steps ignored by stability", "guidance ignored by stability",
    )  # fmt: skip


async def test_stable_diffusion_35_is_asked_for_by_its_name_and_takes_guidance() -> None:
    request = replace(FOX, model="sd3.5-medium", guidance=12.0)
    with serve(stage()) as server:
        got = await paint(entry(server.url), request)
    sent = fields(server.to(ASK_SD3)[0])
    assert (sent["model"], sent["cfg_scale"]) == ("sd3.5-medium", "10")
    assert got.notes == ("guidance 12 became 10",)


@pytest.mark.parametrize(
    ("seed", "told", "used", "notes"),
    [
        (0, None, None, ("seed 0 became a random one",)),
        (0, "123", 123, ("seed 0 became 123",)),
        (2**32 - 1, None, 2**32 - 2, ("seed 4294967295 became 4294967294",)),
        (7, "seven", 7, ()),
    ],
)
async def test_the_seed_is_the_one_that_was_used(
    seed: int, told: str | None, used: int | None, notes: tuple[str, ...]
) -> None:
    headers = {"content-type": "image/png", **({"seed": told} if told else {})}
    with serve({ASK: Answer(200, headers, picture())}) as server:
        got = await paint(entry(server.url), replace(FOX, seed=seed))
    assert (got.seed, got.notes) == (used, notes)


@needs_sdk
async def test_grpc_is_sent_only_what_was_given_in_the_nearest_size() -> None:
    full = PictureRequest("a fox", "blurry", 640, 480, 9, steps=99, guidance=3.5, model=SDXL)
    with serve_grpc() as server:
        await paint(entry(server.host), LARGE)
        got = await paint(entry(server.host), full)
    bare, rich = server.asked
    assert (bare.engine_id, bare.image.samples, list(bare.image.seed)) == (SDXL, 1, [7])
    assert (bare.image.width, bare.image.height) == (1024, 1024)
    assert not bare.image.HasField("steps")
    assert [(p.text, p.parameters.weight) for p in bare.prompt] == [("a fox", 1)]
    assert (rich.image.width, rich.image.height, rich.image.steps) == (1152, 896, 30)
    assert rich.image.parameters[0].sampler.cfg_scale == 3.5
    assert [(p.text, p.parameters.weight) for p in rich.prompt] == [("a fox", 1), ("blurry", -1)]
    assert got.notes == (
        "rounded 640×480 to 1152×896", "made 64×64 instead of 1152×896", "steps 99 became 30",
    )  # fmt: skip


@needs_sdk
async def test_over_grpc_seed_0_is_any_seed_and_the_one_that_was_used_is_told() -> None:
    with serve_grpc() as server:
        got = await paint(entry(server.host), replace(LARGE, seed=0))
    assert got.seed == server.asked[0].image.seed[0] != 0
    assert f"seed 0 became {got.seed}" in got.notes


@pytest.mark.parametrize("model", [MODEL, "ultra", "sd3.5-large", SDXL])
async def test_a_shape_that_is_not_made_is_refused_unsent(model: str) -> None:
    request = PictureRequest("a fox", width=2048, height=256, model=model)
    with serve(stage()) as server, pytest.raises(Unsupported, match="the nearest"):
        await paint(entry(server.url), request)
    assert server.requests == []


async def test_a_model_that_is_none_is_refused_unsent() -> None:
    with serve(stage()) as server, pytest.raises(Unsupported, match="no model sd9"):
        await paint(entry(server.url), replace(FOX, model="sd9"))
    assert server.requests == []


@needs_sdk
async def test_the_key_goes_out_over_an_encrypted_connection_only() -> None:
    with serve_grpc() as server:
        await paint(entry(server.host), LARGE)
    assert KEY not in str(server.metadata)


@pytest.mark.parametrize("key", [None, "", "sk-\n", "sk-钥匙"])
async def test_without_a_key_that_can_be_one_nothing_is_sent(key: str | None) -> None:
    with serve(stage()) as server:
        for request in (FOX, LARGE):
            with pytest.raises(NotConfigured):
                await paint(entry(server.url), request, key=key)
        assert not (await check(entry(server.url), key)).ok
    assert server.requests == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500])
async def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words(status: int) -> None:
    def parrot(request: Request) -> Answer:
        said = f"what is {request.headers['authorization']}?"
        return Answer(status, body={"id": "1", "name": "odd", "errors": [said]})

    with serve(parrot) as server, pytest.raises(ProviderError) as caught:
        await paint(entry(server.url))
    assert "what is Bearer [hidden]?" in str(caught.value)


@needs_sdk
@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"])
async def test_a_grpc_server_that_knows_the_key_does_not_get_it_into_our_words(code: str) -> None:
    with serve_grpc(fate=code, details=f"what is {KEY}?") as server:
        with pytest.raises(ProviderError) as caught:
            await paint(entry(server.host), LARGE)
    assert "what is [hidden]?" in str(caught.value)


# What goes wrong on the way


@needs_sdk
async def test_over_grpc_a_dead_host_a_black_hole_and_a_mute_one_are_unavailable_in_time() -> None:
    patient = {"models": PRICED, "timeout": 30, "connect_timeout": 0.5}
    mute = socket.create_server(("127.0.0.1", 0))
    with mute, black_hole() as hole, serve({}) as other:
        ports = [mute.getsockname()[1], *(url.rpartition(":")[2] for url in (hole, other.url))]
        for host in (dead_url()[7:], *(f"127.0.0.1:{port}" for port in ports)):
            begun = time.monotonic()
            with pytest.raises(Unavailable, match=f"nobody answers at {host}$"):
                await paint(entry(host, **patient), LARGE, seconds=30)
            assert time.monotonic() - begun < 2
    await no_thread_is_left("stability")


@needs_sdk
@pytest.mark.parametrize("fate", ["hang", "keep"])
async def test_over_grpc_a_connection_that_breaks_may_have_been_billed(fate: str) -> None:
    with serve_grpc(fate=fate) as server:
        cable = Cable(server.host)
        task = asyncio.create_task(paint(entry(cable.host, models=PRICED), LARGE))
        assert await asyncio.to_thread(server.came.wait, 5)
        cable.pull()
        with pytest.raises(OutcomeUnknown, match="broke off"):
            await task
    await no_thread_is_left("stability")


@needs_sdk
async def test_over_grpc_a_picture_that_is_too_large_is_no_empty_account() -> None:
    huge = picture() + bytes(21 * 2**20)
    with serve_grpc(data=huge) as server:
        with pytest.raises(OutcomeUnknown, match="larger than the SDK takes"):
            await paint(entry(server.host, models=PRICED), LARGE)


@needs_sdk
async def test_the_entrys_own_timeout_ends_an_attempt_at_the_server_too() -> None:
    begun = time.monotonic()
    with serve_grpc(fate="hang") as server:
        with pytest.raises(Unavailable, match="no answer in time"):
            await paint(entry(server.host, timeout=0.5), LARGE, seconds=60)
        assert await asyncio.to_thread(server.ended.wait, 2)
        await no_thread_is_left("stability")
    with serve(stage(Answer(fault="hang"))) as rest:
        with pytest.raises(Unavailable, match="no answer in time"):
            await paint(entry(rest.url, timeout=0.3), seconds=60)
    assert time.monotonic() - begun < 4


@needs_sdk
async def test_a_cancelled_call_hangs_up_and_its_thread_ends() -> None:
    with serve_grpc(fate="hang") as server:
        task = asyncio.create_task(paint(entry(server.host), LARGE))
        assert await asyncio.to_thread(server.came.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.ended.wait, 2)
        await no_thread_is_left("stability")


@needs_sdk
async def test_a_cancelled_call_that_still_connects_ends_at_once() -> None:
    with black_hole() as url:
        task = asyncio.create_task(paint(entry(url[7:], connect_timeout=30, timeout=30), LARGE))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await no_thread_is_left("stability")


@needs_sdk
def test_a_call_that_is_cut_before_it_begins_sends_nothing() -> None:
    from providers._stability_order import order_of

    with serve_grpc() as server:
        call = Call(server.host, KEY, 1.0)
        call.cut()
        with pytest.raises(Unavailable):
            call.run(order_of(LARGE), time.monotonic() + 5, Unavailable)
    assert server.asked == []


@needs_sdk
async def test_many_calls_share_eight_threads_and_those_that_wait_in_vain_were_not_sent() -> None:
    with serve_grpc(fate="hang") as server:
        provider = stability.create(entry(server.host, models=PRICED))
        now = asyncio.get_running_loop().time()
        deadlines = [now + 1.5] * 8 + [now + 0.7] * 4  # those end before a thread is free
        calls = [
            provider.generate(LARGE, key=KEY, deadline=deadline, report=unheard)
            for deadline in deadlines
        ]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert len(server.asked) == 8
        await provider.aclose()
    outcomes = sorted(getattr(error, "outcome", "") for error in ended)
    assert outcomes == ["outcome_unknown"] * 8 + ["unavailable"] * 4
    await no_thread_is_left("stability")


@needs_sdk
async def test_twelve_pictures_come_through_eight_threads() -> None:
    with serve_grpc() as server:
        provider = stability.create(entry(server.host))
        deadline = asyncio.get_running_loop().time() + 10
        made = await asyncio.gather(
            *(
                provider.generate(
                    replace(LARGE, seed=seed), key=KEY, deadline=deadline, report=unheard
                )
                for seed in range(1, 13)
            )
        )
        await provider.aclose()
    assert [one.seed for one in made] == list(range(1, 13))
    await no_thread_is_left("stability")


# The check


async def test_the_check_says_what_is_left_and_asks_for_no_picture() -> None:
    with serve(stage()) as server:
        told = await check(entry(server.url))
    assert (told.ok, told.reason) == (True, "the key is good; 24.95 credits are left")
    assert told.quota is not None
    assert (told.quota.left, told.quota.unit) == (Decimal("24.95"), "credits")
    assert [request.path for request in server.requests] == ["/v1/user/balance"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, body={"name": "unauthorized", "message": "no"}), "key was refused (401): no"),
        (Answer(fault="hang"), "no answer in time"),
        (Answer(fault="close"), "no whole answer"),
        (Answer(body="<html>"), "does not say what is left"),
        (Answer(body={"credits": "many"}), "does not say what is left"),
        (Answer(body='{"credits": NaN}'), "does not say what is left"),
        (Answer(503), "the server failed"),
    ],
)
async def test_the_check_says_why_not_in_time(answer: Answer, reason: str) -> None:
    with serve({BALANCE: answer}) as server:
        told = await check(entry(server.url, connect_timeout=0.1))
    assert (told.ok, reason in told.reason) == (False, True), told


async def test_the_check_of_a_dead_host_says_so() -> None:
    assert "nobody answers" in (await check(entry(dead_url()))).reason


# The SDK


def test_importing_and_creating_the_adapter_does_not_import_the_sdk() -> None:
    code = (
        "import sys; from providers import stability; from providers.base import Entry;"
        "stability.create(Entry('stability', 'stability'));"
        "print('stability_sdk' in sys.modules, 'grpc' in sys.modules)"
    )
    assert python(code) == "False False"


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ((3, 12), "stability-sdk is not installed; run: pip install stability-sdk"),
        (
            (3, 13),
            "stability-sdk is not to be had for Python 3.13 or later; the other models of Stability do without it",
        ),
    ],
)
def test_a_missing_sdk_is_said_with_what_helps(version: tuple[int, int], sentence: str) -> None:
    code = (
        "import asyncio, sys; sys.modules['stability_sdk'] = None\n"
        "from providers import stability; from providers.base import Entry, PictureRequest\n"
        f"sys.version_info = {version}\n"
        "async def ask():\n"
        f"    made = stability.create(Entry('s', 'stability')).generate(PictureRequest('a', model={SDXL!r}),\n"
        "        key='sk-a', deadline=asyncio.get_running_loop().time() + 30, report=print)\n"
        "    try: await made\n"
        "    except Exception as error: print(error.outcome, error)\n"
        "asyncio.run(ask())"
    )
    assert python(code).splitlines()[-1] == f"not_configured {sentence}"


def test_the_traits_say_that_a_company_reads_the_prompt_and_that_a_key_is_needed() -> None:
    assert (stability.TRAITS.needs_key, stability.TRAITS.needs_address) == (True, False)
    assert stability.TRAITS.sends_prompt_to is not None
    assert stability.TRAITS.sends_prompt_to.who == "company"
