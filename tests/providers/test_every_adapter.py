"""What every adapter does alike, whatever its service answers (for that, test_contract)."""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Model, PictureRequest
from providers.errors import NotConfigured, Unavailable
from tests import loopback
from tests.calls import Caller, python
from tests.cells import ADAPTERS
from tests.dead_hosts import black_hole
from tests.left_behind import SLACK, left_open, nothing_left
from tests.loopback import Answer
from tests.recorded import rig_of

WITHOUT_A_KEY_NOBODY = ("cloudflare", "cogview", "modelscope", "replicate")
SDKS = {
    "cogview": ("zai", "zai-sdk"),
    "comfyui": ("websockets", "websockets"),
    "huggingface": ("huggingface_hub", "huggingface_hub"),
    "openai_images": ("openai", "openai"),
    "replicate": ("replicate", "replicate"),
    "zerogpu": ("gradio_client", "gradio_client"),
}
"""What is imported, and what pip calls it. stability-sdk is for one model only: test_stability."""

every_adapter = pytest.mark.parametrize("adapter", ADAPTERS)


def caller_of(adapter: str) -> Caller:
    rig = rig_of(adapter)
    return Caller(
        PictureRequest("a fox", width=1024, height=1024, seed=7, model=rig.MODEL), rig.KEY
    )


def serve_of(adapter: str) -> Any:
    return getattr(rig_of(adapter), "serve", loopback.serve)


@every_adapter
async def test_a_host_that_swallows_connections_is_given_up_after_the_connect_timeout(
    adapter: str,
) -> None:
    rig, begun = rig_of(adapter), time.monotonic()
    priced = (Model(rig.MODEL, Decimal(1)),)
    with black_hole() as url:
        settings = rig.entry(url, models=priced, timeout=30, connect_timeout=0.3)
        with pytest.raises(Unavailable, match=r"nobody answers at 127\.0\.0\.1:\d+"):
            await caller_of(adapter).paint(settings, seconds=30)
    assert time.monotonic() - begun < 4


@every_adapter
async def test_with_no_time_left_nothing_is_sent(adapter: str) -> None:
    rig = rig_of(adapter)
    with serve_of(adapter)(rig.stage()) as server:
        with pytest.raises(Unavailable, match="no time was left"):
            await caller_of(adapter).paint(rig.entry(server.url), seconds=-1)
    assert server.requests == []


@every_adapter
async def test_the_entrys_own_timeout_ends_an_attempt_before_the_deadline(adapter: str) -> None:
    rig, before, begun = rig_of(adapter), left_open(), time.monotonic()
    with serve_of(adapter)(rig.stage(asked=Answer(fault="hang"))) as server:
        with pytest.raises(Unavailable, match="in time"):
            await caller_of(adapter).paint(rig.entry(server.url, timeout=0.5), seconds=60)
    assert time.monotonic() - begun < 0.5 + SLACK
    await nothing_left(before)


@every_adapter
async def test_a_cancelled_call_ends_at_once_with_its_threads_and_its_connections(
    adapter: str,
) -> None:
    rig, before = rig_of(adapter), left_open()
    with serve_of(adapter)(rig.stage(asked=Answer(fault="hang"))) as server:
        settings = rig.entry(server.url, timeout=60)
        task = asyncio.create_task(caller_of(adapter).paint(settings, seconds=60))
        assert await asyncio.to_thread(server.wait_for, rig.PLACES["asked"])
        begun = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < SLACK
    await nothing_left(before)


@every_adapter
async def test_a_key_that_cannot_be_one_is_said_to_be_so_and_nothing_is_sent(adapter: str) -> None:
    if adapter == "automatic1111":
        return  # its key is a user and a password, which may be anything
    rig, caller = rig_of(adapter), caller_of(adapter)
    missing = (None, "") if adapter in WITHOUT_A_KEY_NOBODY else ()
    with serve_of(adapter)(rig.stage()) as server:
        for key in ("k\n", "two\nlines", "钥匙", "k\0b", *missing):
            with pytest.raises(NotConfigured, match="no key"):
                await caller.paint(rig.entry(server.url), key=key)
            assert not (await caller.check(rig.entry(server.url), key)).ok
    assert server.requests == []


@pytest.mark.parametrize("adapter", SDKS)
def test_an_sdk_is_imported_on_first_use_and_its_lack_is_said_with_what_installs_it(
    adapter: str,
) -> None:
    module, package = SDKS[adapter]
    code = f"""if 1:
        import asyncio, json, sys
        from providers.base import Entry, PictureRequest
        from providers.{adapter} import create
        from tests.recorded import rig_of
        async def main():
            bare = create(Entry("a", {adapter!r}, base_url="http://127.0.0.1:9"))
            loaded = {{{module!r}, "gradio", "grpc", "torch", "diffusers"}} & set(sys.modules)
            await bare.aclose()
            rig = rig_of({adapter!r})
            settings = rig.entry({None if adapter == "huggingface" else "http://127.0.0.1:9"!r})
            for name in [name for name in sys.modules if name.partition(".")[0] == {module!r}]:
                del sys.modules[name]
            sys.modules[{module!r}] = None
            provider = create(settings)
            deadline = asyncio.get_running_loop().time() + 5
            request = PictureRequest("a fox", model=rig.MODEL)
            try:
                await provider.generate(request, key=rig.KEY, deadline=deadline, report=id)
            except Exception as error:
                said = [type(error).__name__, str(error)]
            checked = (await provider.check(key=rig.KEY)).reason
            await provider.aclose()
            print(json.dumps([sorted(loaded), *said, checked]))
        asyncio.run(main())
    """
    loaded, kind, said, checked = json.loads(python(code).splitlines()[-1])
    assert (loaded, kind) == ([], "NotConfigured")
    assert said == f"{package} is not installed; run: pip install {package}"
    assert adapter == "comfyui" or checked == said  # its check needs none
