"""The adapter for ComfyUI against a server on loopback that speaks as a real one does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from providers import comfyui
from providers._comfy_graph import default_graph
from providers.base import Check, Entry, PictureRequest, Progress
from providers.errors import (
    NotConfigured,
    Unavailable,
    Unsupported,
)
from tests.calls import Caller
from tests.canned import picture
from tests.dead_hosts import dead_url
from tests.loopback import Answer, Request, Server
from tests.wire.comfyui.rig import CHECKPOINTS, KEY, Comfy, ended, entry, serve, stage

FOX = PictureRequest("a fox", width=64, height=64, seed=7, model="default")
caller = Caller(FOX)
paint, check = caller.paint, caller.check


def graph_at(server: Server) -> dict[str, Any]:
    graph: dict[str, Any] = server.to("POST /prompt")[0].json["prompt"]
    return graph


async def soon(true: Callable[[], Any]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


# What is sent


async def test_the_graph_is_the_one_that_comfyui_begins_with_but_saves_nothing() -> None:
    with serve(stage()) as server:
        made = await paint(entry(server.url))
    sent = server.to("POST /prompt")[0].json
    graph = sent["prompt"]
    kinds = {node["class_type"] for node in graph.values()}
    assert kinds == {
        "CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode",
        "PreviewImage",
    }  # fmt: skip
    assert graph["4"]["inputs"] == {"ckpt_name": CHECKPOINTS[0]}
    assert graph["3"]["inputs"] == {
        "seed": 7, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
        "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["5", 0],
    }  # fmt: skip
    assert graph["6"]["inputs"]["text"] == "a fox"
    assert graph["7"]["inputs"]["text"] == ""
    assert graph["5"]["inputs"] == {"width": 64, "height": 64, "batch_size": 1}
    assert set(sent) == {"prompt", "client_id", "prompt_id"}
    assert made.notes == ()


async def test_what_is_asked_for_goes_before_the_options() -> None:
    options = {"steps": 9, "guidance": 3.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
    request = replace(FOX, negative_prompt="blurry", steps=4, guidance=0.0, seed=2**64 - 1)
    with serve(stage()) as server:
        await paint(entry(server.url, options=options))
        made = await paint(entry(server.url, options=options), request)
    first, second = (r.json["prompt"]["3"]["inputs"] for r in server.to("POST /prompt"))
    assert (first["steps"], first["cfg"]) == (9, 3.5)
    assert (second["steps"], second["cfg"], second["seed"]) == (4, 0.0, 2**64 - 1)
    assert (second["sampler_name"], second["scheduler"]) == ("dpmpp_2m", "karras")
    assert server.to("POST /prompt")[1].json["prompt"]["7"]["inputs"]["text"] == "blurry"
    assert made.seed == 2**64 - 1


async def test_braces_in_a_prompt_are_left_alone() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url), replace(FOX, prompt="a {{seed}} {red|blue} {{prompt}}"))
    assert graph_at(server)["6"]["inputs"]["text"] == "a {{seed}} {red|blue} {{prompt}}"


async def test_a_size_becomes_the_nearest_multiple_of_eight_with_a_note() -> None:
    made_there = Answer(body=picture("png", 1000, 1000))
    with serve(stage(picture=made_there)) as server:
        made = await paint(entry(server.url), replace(FOX, width=1001, height=999))
    assert graph_at(server)["5"]["inputs"] == {"width": 1000, "height": 1000, "batch_size": 1}
    assert made.notes == ("rounded 1001×999 to 1000×1000",)


async def test_the_server_hears_of_us_before_the_job_and_no_origin_is_sent() -> None:
    connected: list[str] = []
    comfy = stage()

    def first_the_websocket(request: Request) -> Answer:
        connected.extend(comfy._clients)
        return comfy._prompt(request)

    comfy.instead["POST /prompt"] = first_the_websocket
    with serve(comfy) as server:
        await paint(entry(server.url))
    assert connected == [server.to("POST /prompt")[0].json["client_id"]]
    assert not [r for r in server.requests if "origin" in r.headers]


@pytest.mark.parametrize("path", ["/comfy", "/comfy/"])
async def test_the_address_may_have_a_path_and_a_slash_at_its_end(path: str) -> None:
    with serve(stage()) as server:
        with pytest.raises(NotConfigured, match="is that ComfyUI's address"):
            await paint(entry(server.url + path))
        assert server.requests[0].path == "/comfy/models/checkpoints"
        made = await paint(entry(server.url + "/"))
    assert made.data == picture()


# The picture


async def test_a_picture_comes_with_its_form_size_seed_and_price() -> None:
    form = "webp"
    with serve(stage(picture=Answer(body=picture(form, 80, 48)))) as server:
        made = await paint(entry(server.url))
    digests = {hashlib.sha256(data).hexdigest() for data in (made.data, picture(form, 80, 48))}
    assert len(digests) == 1
    assert (made.media_type, made.width, made.height) == (f"image/{form}", 80, 48)
    assert made.notes == ("made 80×48 instead of 64×64",)


async def test_file_names_are_encoded_in_the_address_of_the_picture() -> None:
    image = {"filename": "ünï &=#+_00001_.png", "subfolder": "sub dir/ö", "type": "output"}
    with serve(stage(image=image)) as server:
        assert (await paint(entry(server.url))).data == picture()
    assert server.to("GET /view")[0].query == (
        "filename=%C3%BCn%C3%AF%20%26%3D%23%2B_00001_.png&subfolder=sub%20dir%2F%C3%B6&type=output"
    )


async def test_what_a_workflow_saves_goes_before_its_previews() -> None:
    def image(name: str, kind: str) -> dict[str, Any]:
        return {"images": [{"filename": name, "subfolder": "", "type": kind}]}

    outputs = {"2": {"text": ["x"]}, "7": image("small.png", "temp"), "9": image("a", "output")}
    comfy = stage(hold=True, picture=Answer(body=picture()))
    comfy.instead["GET /history"] = ended({"outputs": outputs, "status": {"completed": True}})
    with serve(comfy) as server:
        await paint(entry(server.url))
    assert server.to("GET /view")[0].query == "filename=a&subfolder=&type=output"


async def test_the_identical_graph_again_is_served_from_the_cache() -> None:
    told: list[Progress] = []
    with serve(stage()) as server:
        await paint(entry(server.url))
        made = await paint(entry(server.url), told=told)
    assert made.data == picture()
    assert not [progress for progress in told if progress.fraction]


# Models


async def test_the_default_model_is_the_first_that_is_listed() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url), replace(FOX, model=CHECKPOINTS[1]))
        await paint(entry(server.url))
    used = [r.json["prompt"]["4"]["inputs"]["ckpt_name"] for r in server.to("POST /prompt")]
    assert used == [CHECKPOINTS[1], CHECKPOINTS[0]]


@pytest.mark.parametrize(
    "declared",
    [[["a.ckpt", "b.ckpt"], {"tooltip": "x"}], ["COMBO", {"options": ["a.ckpt", "b.ckpt"]}]],
)
async def test_an_older_server_lists_its_models_with_the_node_that_loads_them(
    declared: Any,
) -> None:
    comfy = stage()
    comfy.instead["GET /models"] = Answer(404)
    node = {"input": {"required": {"ckpt_name": declared}}}
    comfy.instead["GET /object_info"] = Answer(body={"CheckpointLoaderSimple": node})
    with serve(comfy) as server:
        await paint(entry(server.url))
    assert graph_at(server)["4"]["inputs"] == {"ckpt_name": "a.ckpt"}
    assert server.to("GET /object_info/CheckpointLoaderSimple")


async def test_a_model_that_is_not_there_is_told_beforehand_with_those_that_are() -> None:
    comfy = stage()
    comfy.instead["GET /models"] = Answer(body=[f"{n}.safetensors" for n in range(10)])
    with serve(comfy) as server:
        with pytest.raises(Unsupported) as caught:
            await paint(entry(server.url), replace(FOX, model="sdxl.safetensors"))
    assert "has no model sdxl.safetensors; it has 0.safetensors, 1." in caught.value.reason
    assert caught.value.reason.endswith("7.safetensors and 2 more")
    assert server.to("POST /prompt") == []


# A workflow of the owner's


def workflow(folder: Path, graph: Any) -> dict[str, Any]:
    (folder / "mine.json").write_text(graph if isinstance(graph, str) else json.dumps(graph))
    return {"workflow": str(folder / "mine.json")}


OWN = {
    "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "{{model}}", "weight": "default"}},
    "2": {"class_type": "Text", "inputs": {"text": "photo of {{prompt}}, not {{negative_prompt}}"}},
    "3": {
        "class_type": "Sampler",
        "inputs": {
            "noise": ["1", 0], "seed": "{{seed}}", "steps": "{{steps}}", "cfg": "{{guidance}}",
            "width": "{{width}}", "height": "{{height}}", "name": "{{seed}}_{{width}}",
        },
        "_meta": {"title": "Sample"},
    },
}  # fmt: skip


async def test_the_places_in_a_workflow_are_filled_with_values_of_their_type(
    tmp_path: Path,
) -> None:
    comfy = stage()
    choices = {"input": {"required": {"unet_name": [["flux.safetensors"]]}}}
    comfy.instead["GET /object_info"] = Answer(body={"UNETLoader": choices})
    request = replace(FOX, prompt='"a" fox\\', negative_prompt="{{seed}}", steps=3, guidance=1.5)
    with serve(comfy) as server:
        settings = entry(server.url, options=workflow(tmp_path, OWN))
        made = await paint(settings, request)
    sent = graph_at(server)
    assert sent["1"]["inputs"] == {"unet_name": "flux.safetensors", "weight": "default"}
    assert sent["2"]["inputs"]["text"] == 'photo of "a" fox\\, not {{seed}}'
    assert sent["3"]["inputs"] == {
        "noise": ["1", 0], "seed": 7, "steps": 3, "cfg": 1.5, "width": 64, "height": 64,
        "name": "7_64",
    }  # fmt: skip
    assert sent["3"]["_meta"] == {"title": "Sample"}
    assert made.notes == ()


async def test_what_a_workflow_has_no_place_for_is_noted(tmp_path: Path) -> None:
    graph = {"2": {"class_type": "Text", "inputs": {"text": "{{prompt}}"}}}
    request = replace(
        FOX, negative_prompt="blurry", steps=3, guidance=1.5, width=1000, height=999, model="any"
    )
    with serve(stage()) as server:
        made = await paint(entry(server.url, options=workflow(tmp_path, graph)), request)
    assert made.seed is None
    assert made.notes == (
        "made 64×64 instead of 1000×999",
        "negative prompt ignored by comfyui",
        "seed ignored by comfyui",
        "steps ignored by comfyui",
        "guidance ignored by comfyui",
    )
    assert server.to("GET /models/checkpoints") == []


async def test_a_workflow_lies_beside_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow(tmp_path, {"2": {"class_type": "Text", "inputs": {"text": "{{prompt}}"}}})
    monkeypatch.setenv("FREEBRUSH_CONFIG", str(tmp_path / "config.yaml"))
    with serve(stage()) as server:
        await paint(entry(server.url, options={"workflow": "mine.json"}))
    assert graph_at(server)["2"]["inputs"]["text"] == "a fox"


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ("{", "is not JSON"),
        ('{"seed": {{seed}}}', "is not JSON"),
        ([], "is not in API format"),
        ({"nodes": [], "links": [], "version": 0.4}, "is not in API format; export it as such"),
        ({"1": {"class_type": "Text", "inputs": {}}}, "has no place for {{prompt}}"),
    ],
)
async def test_a_workflow_that_cannot_work_is_told_at_once(
    tmp_path: Path, graph: Any, reason: str
) -> None:
    settings = entry("http://127.0.0.1:9", options=workflow(tmp_path, graph))
    with pytest.raises(NotConfigured) as caught:
        await paint(settings)
    assert reason in caught.value.reason


async def test_a_workflow_that_is_not_there_is_told_at_once() -> None:
    settings = entry("http://127.0.0.1:9", options={"workflow": "nowhere.json"})
    with pytest.raises(NotConfigured, match=r"nowhere\.json cannot be read: No such file"):
        await paint(settings)
    assert not (await check(settings)).ok


# Progress and how it ends


async def test_progress_is_reported_while_the_picture_is_made() -> None:
    told: list[Progress] = []
    comfy = stage(pause=True)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url), told=told))
        await soon(lambda: [progress for progress in told if progress.fraction])
        comfy.pause = False
        await task
    assert Progress(words="CheckpointLoaderSimple") in told
    steps = [progress for progress in told if progress.fraction]
    assert steps == [Progress(0.5, words="step 1 of 2"), Progress(1.0, words="step 2 of 2")]


async def test_the_place_in_the_queue_is_reported() -> None:
    told: list[Progress] = []
    comfy = stage(hold=True)
    with serve(comfy) as server:
        before = [asyncio.create_task(paint(entry(server.url))) for _ in range(2)]
        await soon(lambda: len(comfy.pending) == 2)
        task = asyncio.create_task(paint(entry(server.url), told=told))
        await soon(lambda: told)
        await soon(lambda: told[-1] == Progress(queue_place=2, words="waiting"))
        comfy.hold = False
        assert [made.data for made in await asyncio.gather(task, *before)] == [picture()] * 3


async def test_what_others_do_there_is_not_taken_for_ours() -> None:
    """Progress goes to everybody where a job was posted without a client's id."""
    told: list[Progress] = []
    comfy = stage(hold=True)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url), told=told))
        await soon(lambda: comfy.pending and told)
        name = comfy.pending[0].client
        comfy._say(name, "progress", {"value": 9, "max": 10, "prompt_id": "other", "node": "3"})
        comfy._say(name, "execution_error", {"prompt_id": "other", "node_type": "KSampler"})
        comfy._say(name, "executing", {"prompt_id": "other", "node": None})
        comfy._say(name, "progress", {"value": "x", "max": 0, "prompt_id": comfy.pending[0].id})
        comfy._say(name, "executing", {"prompt_id": None, "node": None})
        comfy.hold = False
        assert (await task).data == picture()
    assert 0.9 not in [progress.fraction for progress in told]


@pytest.mark.parametrize("how", ["refused", "mute", "drops"])
async def test_without_a_websocket_the_history_is_asked_instead(how: str) -> None:
    with serve(stage(websocket=how)) as server:
        assert (await paint(entry(server.url))).data == picture()
        assert [r for r in server.requests if r.path.startswith("/history/")]


async def test_messages_that_are_none_do_no_harm() -> None:
    comfy = stage(hold=True)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        await soon(lambda: comfy.pending)
        client = comfy._clients[comfy.pending[0].client]
        for text in (b"{", b"[1]", b"5", b'{"type": 5, "data": [1]}', b"{}"):
            client._protocol.send_text(text)
            client._flush()
        comfy.hold = False
        assert (await task).data == picture()


async def test_an_older_server_that_gives_ids_of_its_own_is_followed_by_them() -> None:
    with serve(stage(own_ids=False)) as server:
        assert (await paint(entry(server.url))).data == picture()
        assert server.to("GET /history/00000000-aaaa")


@pytest.mark.parametrize("websocket", ["open", "refused"])
@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (("execution_interrupted", {"node_id": "3"}), "was interrupted at 127.0.0.1"),
        (
            ("execution_error", {"node_type": "KSampler", "exception_type": "torch.OutOfMemoryError", "exception_message": "x"}),
            "ran out of memory in KSampler",
        ),
        (
            ("execution_error", {"node_type": "VAEDecode", "exception_type": "RuntimeError", "exception_message": f"with {KEY}"}),
            "VAEDecode failed: RuntimeError: with [hidden]",
        ),
    ],
)  # fmt: skip
async def test_a_job_that_fails_says_where_and_why(
    websocket: str, fate: tuple[str, dict[str, Any]], reason: str
) -> None:
    with serve(stage(fate=fate, websocket=websocket)) as server:
        with pytest.raises(Unavailable) as caught:
            await paint(entry(server.url), key=KEY)
    assert reason in caught.value.reason


@pytest.mark.parametrize("websocket", ["open", "refused"])
async def test_a_job_that_somebody_takes_out_of_the_queue_is_over(websocket: str) -> None:
    comfy = stage(hold=True, websocket=websocket)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        await soon(lambda: comfy.pending)
        comfy.pending.clear()
        comfy._say_status()
        with pytest.raises(Unavailable, match="was taken out of the queue"):
            await task


async def test_somebody_elses_interrupt_ends_the_wait() -> None:
    comfy = stage(pause=True)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        await soon(lambda: comfy.running)
        comfy._interrupted.set()
        with pytest.raises(Unavailable, match="was interrupted"):
            await task


async def test_a_server_that_stumbles_for_a_moment_is_asked_again() -> None:
    comfy = stage(websocket="refused")
    stumbles = iter([Answer(500), Answer(body="no JSON")])
    comfy.instead["GET /history"] = lambda request: next(
        stumbles, Answer(body=comfy._history(request.path.rpartition("/")[2]))
    )
    with serve(comfy) as server:
        assert (await paint(entry(server.url))).data == picture()


async def test_a_job_that_cannot_be_asked_after_is_given_up() -> None:
    comfy = stage(websocket="refused", hold=True)
    comfy.instead["GET /queue"] = Answer(body={"queue_running": 5})
    with serve(comfy) as server:
        with pytest.raises(Unavailable, match="the job was lost: the queue is not understood"):
            await paint(entry(server.url))
        assert server.to("POST /interrupt")


# Cancelling, deadlines, money


async def test_a_cancelled_call_takes_a_waiting_job_out_of_the_queue() -> None:
    comfy = stage(hold=True)
    with serve(comfy) as server:
        task = asyncio.create_task(paint(entry(server.url)))
        await soon(lambda: comfy.pending)
        job = comfy.pending[0].id
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert comfy.pending == []
    assert server.to("POST /queue")[0].json == {"delete": [job]}
    assert server.to("POST /interrupt")[0].json == {"prompt_id": job}


async def test_a_job_that_is_late_is_stopped_while_it_runs_and_only_that_one() -> None:
    comfy = stage(pause=True)
    with serve(comfy) as server:
        with pytest.raises(Unavailable, match="was not done in time"):
            await paint(entry(server.url, timeout=0.5), seconds=60)
        await soon(lambda: comfy.history)
    [(job, entry_there)] = comfy.history.items()
    assert entry_there["status"]["messages"][-1][0] == "execution_interrupted"
    assert server.to("POST /interrupt")[0].json == {"prompt_id": job}


async def test_a_job_whose_acceptance_never_came_is_stopped_by_the_id_we_gave() -> None:
    comfy = stage(asked=Answer(fault="hang"))
    with serve(comfy) as server:
        with pytest.raises(Unavailable):
            await paint(entry(server.url), seconds=0.3)
    assert server.to("POST /queue")[0].json == {
        "delete": [server.to("POST /prompt")[0].json["prompt_id"]]
    }


async def test_a_server_that_hangs_altogether_is_given_up_all_the_same() -> None:
    comfy = stage(hold=True)
    hang = Answer(fault="hang")
    comfy.instead |= dict.fromkeys(("GET /history", "POST /queue", "POST /interrupt"), hang)
    begun = time.monotonic()
    with serve(comfy) as server, pytest.raises(Unavailable):
        await paint(entry(server.url), seconds=0.3)
    assert time.monotonic() - begun < 4


async def test_nothing_is_left_behind() -> None:
    threads = set(threading.enumerate())
    for how in ("open", "drops", "refused"):
        with serve(stage(websocket=how)) as server:
            await paint(entry(server.url))
    with serve(stage(pause=True)) as server, pytest.raises(Unavailable):
        await paint(entry(server.url), seconds=0.3)
    await asyncio.sleep(0)
    left = [t.name for t in set(threading.enumerate()) - threads if "asyncio" not in t.name]
    assert left == []
    assert len(asyncio.all_tasks()) == 1


# Addresses and secrets


@pytest.mark.parametrize("base_url", [None, "127.0.0.1:8188", "ftp://127.0.0.1", "http://[oops"])
async def test_an_address_that_is_none_is_not_configured(base_url: str | None) -> None:
    settings = Entry("comfy", "comfyui", base_url=base_url, base_url_env="COMFYUI_URL")
    with pytest.raises(NotConfigured):
        await paint(comfyui.TRAITS.complete(settings))
    assert not (await check(settings)).ok


async def test_a_key_and_a_password_are_sent_to_a_proxy_and_never_said() -> None:
    def parrot(request: Request) -> Answer:
        return Answer(500, body=f"{request.headers['authorization']} {KEY} s3cr!t")

    comfy = stage()
    comfy.instead["POST /prompt"] = parrot
    with serve(comfy) as server:
        with pytest.raises(Unavailable) as keyed:
            await paint(entry(server.url), key=KEY)
        with pytest.raises(Unavailable) as named:
            await paint(entry(server.url.replace("//", "//ada:s3cr%21t@")))
    assert "Bearer [hidden] [hidden]" in keyed.value.reason
    assert f"Basic [hidden] {KEY} [hidden]" in named.value.reason


async def test_without_a_key_nothing_is_sent_for_one() -> None:
    with serve(stage()) as server:
        await paint(entry(server.url))
    assert not [r for r in server.requests if "authorization" in r.headers]


# The check


async def test_the_check_says_what_runs_there_and_makes_nothing() -> None:
    comfy = stage()
    with serve(comfy) as server:
        assert await check(entry(server.url)) == Check(True, "ComfyUI 0.3.64 on cpu, 2 checkpoints")
        comfy.instead["GET /system_stats"] = Answer(body={})
        comfy.instead["GET /models"] = Answer(body=["a"])
        assert await check(entry(server.url)) == Check(True, "1 checkpoint")
    assert server.to("POST /prompt") == []


async def test_the_check_says_why_not() -> None:
    assert "nobody answers" in (await check(entry(dead_url()))).reason
    assert not (await check(entry("http://127.0.0.1:9", base_url_env="X"))).ok
    comfy = stage()
    with serve(comfy) as server:
        comfy.instead["GET /models"] = Answer(body=[])
        assert "no model yet" in (await check(entry(server.url))).reason
        comfy.instead["GET /system_stats"] = Answer(fault="hang")
        assert await check(entry(server.url, timeout=0.2)) == Check(False, "no answer in time")


# The SDK


def test_the_graph_of_ours_has_a_place_for_everything() -> None:
    from providers._comfy_graph import ignored, places_in

    request = replace(FOX, negative_prompt="x", steps=1, guidance=1.0)
    assert list(ignored(request, places_in(default_graph({})))) == []


def test_the_rig_refuses_a_foreign_origin_as_the_real_one_does() -> None:
    request = Request("GET", "/queue", "", {"origin": "http://elsewhere"}, b"", 1)
    assert Comfy().answer(request).status == 403
