"""The adapter for `diffusers` with real pipelines of a few thousand weights, built in code."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from providers import diffusers_local
from providers._header import Header, read_header
from providers.base import Check, Entry, Model, Picture, PictureRequest, Progress
from providers.errors import NotConfigured, ProviderError, Refused, Unavailable, Unsupported
from tests.loopback import Answer, Request, serve
from tests.tiny_pipeline import save_pipelines

ROOT = Path(__file__).parent.parent.parent
MUST = bool(os.environ.get("CI")) and sys.version_info[:2] == (3, 11)
"""The build server installs torch for this Python, and there these tests may not be left out."""

ENDLESS = 100_000
"""Steps."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny pipelines."""
    absent = [name for name in ("torch", "diffusers", "transformers") if find_spec(name) is None]
    if absent:
        (pytest.fail if MUST else pytest.skip)(f"not installed: {', '.join(absent)}")
    import torch

    torch.set_num_threads(1)  # for so little work they only wait for each other
    folder = tmp_path_factory.mktemp("models")
    save_pipelines(folder)
    return folder


def entry(*ids: Path | str, options: dict[str, Any] | None = None, **more: Any) -> Entry:
    listed = tuple(Model(str(each), Decimal(0)) for each in ids)
    options = {"device": "cpu", "steps": 2, **(options or {})}
    return Entry("diffusers", "diffusers_local", models=listed, options=options, **more)


async def ask(
    provider: diffusers_local.DiffusersLocal,
    model: Path | str,
    *,
    seconds: float = 20,
    report: Callable[[Progress], None] = lambda _: None,
    **wishes: Any,
) -> Picture:
    settings: dict[str, Any] = {"width": 64, "height": 64, "seed": 7, "model": str(model), **wishes}
    request = PictureRequest("a fox", **settings)
    deadline = asyncio.get_running_loop().time() + seconds
    return await provider.generate(request, key=None, deadline=deadline, report=report)


async def paint(model: Path | str, options: dict[str, Any] | None = None, **wishes: Any) -> Picture:
    provider = diffusers_local.create(entry(model, options=options))
    try:
        return await ask(provider, model, **wishes)
    finally:
        await provider.aclose()


class Heard:
    """What was reported, and a moment at which the first step was done."""

    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.stepped = asyncio.Event()

    def __call__(self, progress: Progress) -> None:
        self.told.append(progress)
        if progress.words.startswith("step"):
            self.stepped.set()

    @property
    def words(self) -> list[str]:
        return [progress.words for progress in self.told]


# The picture


async def test_a_prompt_becomes_a_png_of_the_size_asked_for_that_costs_nothing(
    models: Path,
) -> None:
    made = await paint(models / "fox", width=64, height=96)
    assert read_header(made.data) == Header("image/png", 64, 96)
    assert (made.media_type, made.width, made.height) == ("image/png", 64, 96)
    assert (made.seed, made.cost_usd, made.notes) == (7, Decimal(0), ())
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.info == {}
        assert len(image.getcolors(64 * 96) or ()) > 100


async def test_the_same_seed_is_the_same_picture_and_another_seed_another(models: Path) -> None:
    first = await paint(models / "fox", seed=7)
    again = await paint(models / "fox", seed=7)
    other = await paint(models / "fox", seed=2**32 - 1)
    assert first.data == again.data != other.data


async def test_what_is_asked_reaches_the_pipeline(models: Path) -> None:
    provider = diffusers_local.create(entry(models / "fox", options={"guidance": 3.0}))
    wishes: list[dict[str, Any]] = [
        {}, {"steps": 3}, {"guidance": 9.0}, {"negative_prompt": "box"}, {"guidance": 3.0},
    ]  # fmt: skip
    made = [(await ask(provider, models / "fox", **wish)).data for wish in wishes]
    await provider.aclose()
    assert len(set(made)) == 4
    assert made[0] == made[-1]


async def test_a_model_that_is_asked_for_takes_the_place_of_the_one_before(models: Path) -> None:
    fox, lcm = models / "fox", models / "lcm"
    provider = diffusers_local.create(entry(fox, lcm))
    heard = Heard()
    made = []
    for model in (fox, fox, lcm, fox):
        made.append((await ask(provider, model, report=heard)).data)
        assert _models_in_memory() == 1
    await provider.aclose()
    assert made[0] == made[1] == made[3] != made[2]
    assert heard.words.count("loading the model") == 3
    assert _models_in_memory() == 0


async def test_weights_of_a_variant_are_found(models: Path) -> None:
    made = await paint(models / "half", {"variant": "fp16"})
    assert made.width == 64
    with pytest.raises(NotConfigured, match="no whole pipeline"):
        await paint(models / "half")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
async def test_it_computes_as_precisely_as_told(models: Path, dtype: str) -> None:
    made = await paint(models / "fox", {"dtype": dtype})
    assert (made.data == (await paint(models / "fox")).data) == (dtype == "float32")


# Notes


@pytest.mark.parametrize(
    ("options", "wishes", "size", "notes"),
    [
        ({}, {"width": 100, "height": 100}, (104, 104), ("rounded 100×100 to 104×104",)),
        (
            {"sides": {"min": 64, "max": 96, "step": 32}},
            {"width": 1024, "height": 1024},
            (96, 96),
            ("rounded 1024×1024 to 96×96",),
        ),
        (
            {"guidance": 0},
            {"negative_prompt": "dogs"},
            (64, 64),
            ("negative prompt ignored by diffusers_local",),
        ),
    ],
)
async def test_what_was_rounded_or_ignored_is_noted(
    models: Path,
    options: dict[str, Any],
    wishes: dict[str, Any],
    size: tuple[int, int],
    notes: tuple[str, ...],
) -> None:
    made = await paint(models / "fox", options, **wishes)
    assert read_header(made.data)[1:] == size
    assert made.notes == notes


async def test_a_pipeline_is_given_only_what_it_takes(models: Path) -> None:
    made = await paint(models / "lcm", negative_prompt="dogs", guidance=8.0, steps=3)
    assert made.notes == ("negative prompt ignored by diffusers_local",)


async def test_another_shape_is_not_made(models: Path) -> None:
    sides = {"min": 64, "max": 128, "step": 64}
    with pytest.raises(Unsupported, match="100×128 is not to be had there"):
        await paint(models / "fox", {"sides": sides}, width=100, height=128)


# Progress, cancelling, deadline, waiting


async def test_each_step_is_reported(models: Path) -> None:
    heard = Heard()
    await paint(models / "fox", steps=3, report=heard)
    assert heard.words == ["loading the model", "painting", *(f"step {n} of 3" for n in (1, 2, 3))]
    assert [p.fraction for p in heard.told[1:]] == [
        0,
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
        1,
    ]
    assert heard.told[-1].eta_seconds == 0


async def test_a_cancelled_picture_ends_between_two_steps(models: Path) -> None:
    provider, heard = diffusers_local.create(entry(models / "fox")), Heard()
    task = asyncio.create_task(ask(provider, models / "fox", steps=ENDLESS, report=heard))
    await asyncio.wait_for(heard.stepped.wait(), 10)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    count = len(heard.told)
    again = await ask(provider, models / "fox")  # its thread is free, and the pipeline unharmed
    assert again.data == (await paint(models / "fox")).data
    assert len(heard.told) == count
    await provider.aclose()
    await _no_thread_is_left()


@pytest.mark.parametrize("by_entry", [False, True])
async def test_a_picture_that_is_late_is_given_up_and_said_how_far_it_was(
    models: Path, by_entry: bool
) -> None:
    fox = models / "fox"
    provider = diffusers_local.create(entry(fox, timeout=3 if by_entry else 90))
    await ask(provider, fox)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=rf"not done in time \(step \d+ of {ENDLESS}\)"):
        await ask(provider, fox, seconds=60 if by_entry else 3, steps=ENDLESS)
    assert 2.9 < time.monotonic() - began < 8
    await provider.aclose()
    await _no_thread_is_left()


async def test_a_load_that_nobody_waited_for_serves_the_next(models: Path) -> None:
    provider, heard = diffusers_local.create(entry(models / "fox")), Heard()
    with pytest.raises(Unavailable, match="not done in time"):
        await ask(provider, models / "fox", seconds=0.02, steps=ENDLESS)
    await ask(provider, models / "fox", report=heard)
    assert "loading the model" not in heard.words
    await provider.aclose()


async def test_who_comes_while_one_is_painted_stands_in_line(models: Path) -> None:
    fox = models / "fox"
    provider, first, told = diffusers_local.create(entry(fox)), Heard(), [Heard(), Heard()]
    endless = asyncio.create_task(ask(provider, fox, steps=ENDLESS, report=first))
    await asyncio.wait_for(first.stepped.wait(), 10)
    left = asyncio.create_task(ask(provider, fox, report=told[0]))
    await asyncio.sleep(0)
    last = asyncio.create_task(ask(provider, fox, report=told[1]))
    while not told[1].told:
        await asyncio.sleep(0.01)
    assert [heard.told[-1].queue_place for heard in told] == [1, 2]
    assert (await provider.check(key=None)).reason.startswith("at work (step ")

    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(left, 0.5)  # at once: nothing had begun
    while told[1].told[-1].queue_place != 1:
        await asyncio.sleep(0.01)
    assert told[0].words == ["waiting for another picture"]

    endless.cancel()
    assert (await last).width == 64
    assert told[1].words[-1] == "step 2 of 2"
    await provider.aclose()


async def test_one_that_waits_is_given_up_at_its_deadline(models: Path) -> None:
    fox = models / "fox"
    provider, heard = diffusers_local.create(entry(fox)), Heard()
    endless = asyncio.create_task(ask(provider, fox, steps=ENDLESS, report=heard))
    await asyncio.wait_for(heard.stepped.wait(), 10)
    with pytest.raises(Unavailable, match=r"not done in time \(waiting for another picture\)"):
        await ask(provider, fox, seconds=0.2)
    endless.cancel()
    await asyncio.wait({endless})
    await provider.aclose()


async def test_closing_ends_what_is_painted_and_what_waits(models: Path) -> None:
    provider, heard = diffusers_local.create(entry(models / "fox")), Heard()
    tasks = [
        asyncio.create_task(ask(provider, models / "fox", steps=ENDLESS, report=heard))
        for _ in range(2)
    ]
    await asyncio.wait_for(heard.stepped.wait(), 10)
    await provider.aclose()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(ended, Unavailable)
        assert ended.reason.startswith("stopped (")
    await _no_thread_is_left()


# What can go wrong


async def test_what_the_safety_checker_withholds_is_refused(models: Path) -> None:
    with pytest.raises(Refused, match="safety checker withheld the picture"):
        await paint(models / "strict")


async def test_a_pipeline_that_takes_no_prompt_is_not_for_this(models: Path) -> None:
    with pytest.raises(Unsupported, match="DDPMPipeline makes no picture of a prompt alone"):
        await paint(models / "noise")


async def test_a_value_that_the_pipeline_refuses_is_unsupported(models: Path) -> None:
    with pytest.raises(Unsupported, match="does not take that"):
        await paint(models / "fox", {"sides": {"step": 5}}, width=65, height=65)


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory")
async def test_a_picture_too_large_for_the_memory_is_unavailable_and_says_so(models: Path) -> None:
    import resource

    provider = diffusers_local.create(entry(models / "fox"))
    usual = (await ask(provider, models / "fox")).data
    used = _pages_used() * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 16 * 2**20, limits[1]))
    try:
        with pytest.raises(Unavailable, match="not enough memory for 1024×1024; ask for a smaller"):
            await ask(provider, models / "fox", width=1024, height=1024, steps=1, guidance=0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert (await ask(provider, models / "fox")).data == usual
    await provider.aclose()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "cuda"}, "device is cuda, and torch finds none here"),
        ({"device": "abacus"}, "device is abacus; known are auto, cpu, cuda and mps"),
        ({"dtype": "int3"}, "dtype is int3; known are auto, float32, float16, bfloat16"),
    ],
)
async def test_an_option_that_cannot_be_is_not_configured(
    models: Path, options: dict[str, Any], sentence: str
) -> None:
    if options == {"device": "cuda"}:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    with pytest.raises(NotConfigured, match=sentence):
        await paint(models / "fox", options)


# The model on this disk, or not


@pytest.fixture
def cache(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def _put(cache: Path, pipeline: Path) -> Path:
    """`pipeline` as `tiny/fox` of the hub; the folder of its files."""
    commit, repository = "0" * 40, cache / "models--tiny--fox"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return Path(shutil.copytree(pipeline, repository / "snapshots" / commit))


async def test_a_model_in_the_cache_of_the_hub_needs_no_network(cache: Path, models: Path) -> None:
    _put(cache, models / "fox")
    assert (await paint("tiny/fox")).data == (await paint(models / "fox")).data


async def test_a_model_that_is_not_on_this_disk_says_what_to_do(cache: Path) -> None:
    sentence = (
        "tiny/fox is not on this disk, and it is gigabytes: run hf download tiny/fox, "
        "or set download: true in the entry's options"
    )
    with pytest.raises(NotConfigured) as caught:
        await paint("tiny/fox")
    assert caught.value.reason == sentence
    assert await _check("tiny/fox") == Check(False, sentence)


async def test_a_model_that_is_only_half_on_this_disk_is_not_there(
    cache: Path, models: Path
) -> None:
    files = _put(cache, models / "fox")
    (files / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(NotConfigured, match="run hf download tiny/fox"):
        await paint("tiny/fox")


@pytest.mark.parametrize("model", ["/nowhere/fox", "~/nowhere", "./nowhere", "nowhere/at/all"])
async def test_a_folder_that_is_not_there_is_not_configured(cache: Path, model: str) -> None:
    with pytest.raises(NotConfigured, match=model):
        await paint(model)


async def test_files_that_are_broken_are_unavailable(
    cache: Path, models: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(models / "fox", tmp_path / "broken"))
    (broken / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ProviderError) as caught:
        await paint(broken)
    assert caught.value.outcome in ("unavailable", "not_configured")


async def test_with_download_it_is_fetched_once_from_the_hub(models: Path, tmp_path: Path) -> None:
    fox, commit = models / "fox", "1" * 40
    files = {str(p.relative_to(fox)): p.read_bytes() for p in fox.rglob("*") if p.is_file()}
    repository = "/tiny/fox/resolve/"
    info = {"id": "tiny/fox", "sha": commit, "siblings": [{"rfilename": name} for name in files]}
    etags = {name: hashlib.sha1(data).hexdigest() for name, data in files.items()}
    tree = [
        {"type": "file", "path": name, "size": len(data), "oid": etags[name]}
        for name, data in files.items()
    ]

    def hub(request: Request) -> Answer:
        if request.path.startswith(repository):
            name = request.path.removeprefix(repository).partition("/")[2]
            if name not in files:
                return Answer(404)
            headers = {"x-repo-commit": commit, "etag": f'"{etags[name]}"'}
            if request.method == "HEAD":
                return Answer(headers={**headers, "content-length": str(len(files[name]))})
            return Answer(headers=headers, body=files[name])
        return Answer(body=tree if "/tree/" in request.path else info)

    asked = """
        for _ in range(2):
            provider = diffusers_local.create(entry)
            print(asyncio.run(ask(provider)))
        """
    with serve(hub) as server:
        settings = {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
        said = await asyncio.to_thread(_alone, asked, "tiny/fox", {"download": True}, **settings)
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines[0]["words"][:2] == ["loading the model", "downloading tiny/fox"]
    assert "downloading tiny/fox" not in lines[1]["words"]
    assert lines[0]["sha"] == lines[1]["sha"]
    weights = [path for path in {r.path for r in server.requests} if path.endswith(".safetensors")]
    assert len(weights) == 3


# The check, and what is imported when


async def _check(*ids: Path | str, options: dict[str, Any] | None = None) -> Check:
    provider = diffusers_local.create(entry(*ids, options=options))
    found = await provider.check(key=None)
    await provider.aclose()
    return found


async def test_the_check_says_what_is_here_and_what_it_runs_on(cache: Path, models: Path) -> None:
    fox = models / "fox"
    assert await _check(fox, "tiny/fox") == Check(True, f"{fox}; on cpu")
    found = await _check("tiny/fox", options={"download": True})
    assert found == Check(True, "fetches tiny/fox when first asked; on cpu")
    assert (await _check(fox, options={"device": "auto"})).ok
    assert not (await _check(fox, options={"device": "abacus"})).ok


def _alone(code: str, model: Path | str, options: dict[str, Any], **environ: str) -> str:
    """What a Python of its own prints that runs `code` with an `entry` and a function `ask`."""
    script = f"""
        import asyncio, hashlib, json, sys, time
        from decimal import Decimal
        from importlib.machinery import PathFinder
        from providers import diffusers_local
        from providers.base import Entry, Model, PictureRequest, ProviderError

        entry = Entry("diffusers", "diffusers_local", models=(Model({str(model)!r}, Decimal(0)),),
                      options={options!r} | {{"device": "cpu", "steps": 2}})

        async def ask(provider):
            heard = []
            request = PictureRequest("a fox", width=64, height=64, model=entry.models[0].id)
            try:
                made = await provider.generate(
                    request, key=None, deadline=asyncio.get_running_loop().time() + 30,
                    report=lambda progress: heard.append(progress.words),
                )
            except ProviderError as error:
                return f"{{error.outcome}}: {{error}}"
            finally:
                await provider.aclose()
            return json.dumps({{"words": heard, "sha": hashlib.sha256(made.data).hexdigest()}})
        """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script) + textwrap.dedent(code)],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("hidden", "sentence"),
    [
        (["torch"], "torch is not installed"),
        (
            ["torch", "diffusers", "transformers"],
            "torch, diffusers, transformers are not installed",
        ),
    ],
)
def test_without_the_packages_it_says_at_once_how_to_install_them(
    hidden: list[str], sentence: str
) -> None:
    if len(hidden) == 1 and find_spec("diffusers") is None:
        pytest.skip("not installed: diffusers")
    asked = f"""
        class Hiding:
            def find_spec(name, path=None, target=None):
                return None if name in {hidden!r} else PathFinder.find_spec(name, path, target)

        sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
        began = time.monotonic()
        print(asyncio.run(ask(diffusers_local.create(entry))))
        print(time.monotonic() - began < 0.5)
        """
    said = _alone(asked, "tiny/fox", {})
    assert said == f"not_configured: {sentence}: pip install -r requirements-gpu.txt\nTrue\n"


def test_nothing_heavy_is_imported_before_there_is_something_to_paint(
    models: Path, tmp_path: Path
) -> None:
    asked = """
        print(asyncio.run(ask(diffusers_local.create(entry))))
        print([name for name in ("torch", "diffusers", "transformers") if name in sys.modules])
        """
    said = _alone(asked, "tiny/fox", {}, HF_HOME=str(tmp_path)).splitlines()
    assert said[0].startswith("not_configured: tiny/fox is not on this disk")
    assert said[1] == "[]"


def test_the_app_starts_without_torch() -> None:
    code = "import app, sys; print([n for n in ('torch', 'diffusers') if n in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", f"import providers.diffusers_local\n{code}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout == "[]\n"


def test_an_entry_need_not_say_anything_of_it() -> None:
    settings = diffusers_local.TRAITS.complete(Entry("diffusers", "diffusers_local"))
    assert not diffusers_local.TRAITS.needs_key
    assert settings.usd(settings.models[0].id) == 0
    assert settings.sends_prompt_to is not None
    assert settings.sends_prompt_to.who == "nowhere"


def _models_in_memory() -> int:
    return sum(type(each).__name__ == "UNet2DConditionModel" for each in gc.get_objects())


def _pages_used() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0])


async def _no_thread_is_left() -> None:
    """A thread may still be on its way out."""
    ends = time.monotonic() + 1
    while any(each.name.startswith("diffusers") for each in threading.enumerate()):
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
