"""Every entry of the config.yaml that ships, with each of its models: through the door, by its real
SDK, to a server on loopback. A picture comes, and its receipt tells the truth.

The table is the file itself, so that a new entry is in it at once. What a vendor calls a parameter
is not written down here: a value that was asked for is looked for in what the server received.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.parser import BytesParser
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from gradio_client import Client

from studio.config import load_config
from tests.canned import picture
from tests.loopback import Answer, Request, Server, serve
from tests.running import ROOT, Running, running

PROMPT, NEGATIVE = "a fox that reads", "blurry paws"
WIDTH, HEIGHT, SEED, STEPS, GUIDANCE = 1000, 990, 7, 28, 4.5
ASKED: dict[str, Any] = {
    "prompt": PROMPT, "negative_prompt": NEGATIVE, "width": WIDTH, "height": HEIGHT, "seed": SEED,
    "steps": STEPS, "guidance": GUIDANCE,
}  # fmt: skip
"""A size that most round, and numbers that are found by chance nowhere else in a request."""

FORMS = {"png": (64, 64), "jpeg": (64, 72), "webp": (64, 80)}
"""What the servers send, in turn: of another size than was asked for."""

SHIPPED = load_config(ROOT / "config.yaml").providers
ASKS_NOBODY = {"sketch", "diffusers_local"}
OFFERS = [
    (name, model.id)
    for name, entry in SHIPPED.items()
    for model in entry.models
    if entry.adapter != "diffusers_local"  # it needs a model on disk, and has tests of its own
]
OVER_GRPC = "stable-diffusion-xl-1024-v1-0"

Leaf = tuple[str, Any]
"""A value in a request, and the name of the field that it, or its list, is in."""


@dataclass(frozen=True)
class Vendor:
    """The server that an entry was pointed at, and the picture that it sends."""

    form: str
    received: Callable[[], list[Leaf]]

    @property
    def data(self) -> bytes:
        return picture(self.form, *FORMS[self.form])


@dataclass(frozen=True)
class House:
    app: Running
    client: Client
    vendors: dict[tuple[str, str], Vendor]
    keys: set[str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("every-entry")
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    config["budget"] = {"usd_per_image": 1, "usd_per_day": 100}
    config["limits"] = {"per_visitor_per_minute": 1000}
    vendors: dict[tuple[str, str], Vendor] = {}
    environ = {"CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353"}
    with ExitStack() as stack:
        for (name, entry), form in zip(config["providers"].items(), cycle(FORMS), strict=False):
            if entry["adapter"] in ASKS_NOBODY:
                continue
            rig = rig_of(entry["adapter"])
            vendors |= _point_at_loopback(name, entry, rig, form, stack)
            if rig.KEY and entry.get("key_env"):
                environ[entry["key_env"]] = rig.KEY
            if entry.get("free"):
                entry["free"]["amount"] *= 1000  # enough for all models
        text = yaml.safe_dump(config, allow_unicode=True)
        app = stack.enter_context(running(folder, text, **environ))
        files = str(folder / "downloads")
        client = Client(app.url, verbose=False, analytics_enabled=False, download_files=files)
        keys = {
            value.rpartition(":")[2] for name, value in environ.items() if "ACCOUNT" not in name
        }
        yield House(app, client, vendors, keys)


def rig_of(adapter: str) -> ModuleType:
    assert (ROOT / "tests" / "wire" / adapter / "rig.py").exists(), (
        f"config.yaml has an entry of providers/{adapter}.py, which cannot be pointed at a server: "
        f"add tests/wire/{adapter}/rig.py as tests/wire/__init__.py describes it"
    )
    return importlib.import_module(f"tests.wire.{adapter}.rig")


def _point_at_loopback(
    name: str,
    entry: dict[str, Any],
    rig: ModuleType,
    form: str,
    stack: ExitStack,
) -> dict[tuple[str, str], Vendor]:
    """Start the servers of `entry`, and change its addresses to theirs."""
    data = picture(form, *FORMS[form])
    staged = rig.stage(picture=Answer(headers={"content-type": f"image/{form}"}, body=data))
    if entry["adapter"] in STAGED_TOO:
        STAGED_TOO[entry["adapter"]](rig, staged)
    server = stack.enter_context(getattr(rig, "serve", serve)(staged))
    settings = rig.entry(server.url)
    entry["base_url"] = settings.base_url
    if "poll_seconds" in settings.options:
        entry["options"]["poll_seconds"] = settings.options["poll_seconds"]
    vendor = Vendor(form, lambda: _leaves_of(server))
    vendors = {(name, model.id): vendor for model in SHIPPED[name].models}
    if (name, OVER_GRPC) in vendors and has_stability_sdk():
        grpc = stack.enter_context(rig.serve_grpc(data=data))
        entry["options"]["grpc_host"] = grpc.host
        vendors[name, OVER_GRPC] = Vendor(form, lambda: _leaves_of_grpc(grpc))
    return vendors


def has_stability_sdk() -> bool:
    return importlib.util.find_spec("stability_sdk") is not None


# What the servers of further models need beside what their rig has for one


def _further_models_at_replicate(rig: ModuleType, staged: dict[str, Any]) -> None:
    staged[rig.LATEST.replace(rig.SDXL, rig.SD)] = staged[rig.LATEST]


def _further_models_at_stability(rig: ModuleType, staged: dict[str, Any]) -> None:
    staged[rig.ASK.replace("core", "ultra")] = staged[rig.ASK]


def _guidance_at_the_space(rig: ModuleType, staged: dict[str, Any]) -> None:
    """The API of FLUX.1-dev's Space, which is that of FLUX.1-schnell's and one parameter more."""
    api, config = rig.api(), rig.config()
    api["named_endpoints"]["/infer"]["parameters"].append(
        {"parameter_name": "guidance_scale", "parameter_has_default": True, "parameter_default": 3.5}
    )  # fmt: skip
    config["components"].append({"id": 8, "type": "slider", "props": {}})
    config["dependencies"][0]["inputs"].append(8)
    staged["GET /gradio_api/info"], staged[rig.CONFIG] = Answer(body=api), Answer(body=config)


STAGED_TOO: dict[str, Callable[[ModuleType, dict[str, Any]], None]] = {
    "replicate": _further_models_at_replicate,
    "stability": _further_models_at_stability,
    "zerogpu": _guidance_at_the_space,
}


# What was received


def _leaves_of(server: Server) -> list[Leaf]:
    """Every value in the bodies that the server was sent since it was last asked."""
    requests, server.requests[:] = list(server.requests), []
    return [leaf for request in requests for leaf in _leaves_in(request)]


def _leaves_in(request: Request) -> Iterator[Leaf]:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        whole = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        for part in whole.get_payload():
            name = part.get_param("name", header="content-disposition")
            yield str(name), part.get_payload(decode=True).decode()
    elif request.body:
        yield from _walk("", json.loads(request.body))


def _leaves_of_grpc(grpc: Any) -> list[Leaf]:
    from google.protobuf.json_format import MessageToDict

    asked, grpc.asked[:] = list(grpc.asked), []
    return [leaf for message in asked for leaf in _walk("", MessageToDict(message))]


def _walk(name: str, value: Any) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(name, item)
    else:
        yield name, value


@dataclass(frozen=True)
class Received:
    leaves: list[Leaf]

    def has_words(self, words: str) -> bool:
        return any(isinstance(value, str) and words in value for _, value in self.leaves)

    def has_number(self, number: float) -> bool:
        """Also as text, such as in a form, or as a part of `1000x990`."""
        return any(number in _numbers(name, value) for name, value in self.leaves)

    def names_a_size(self) -> bool:
        return any(re.search("width|size|aspect|data", name) for name, _ in self.leaves)


def _numbers(name: str, value: Any) -> set[float]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {float(value)}
    text = value if isinstance(value, str) else ""
    if size := re.fullmatch(r"(\d+)[x×](\d+)", text):
        return {float(size[1]), float(size[2])}
    plain = re.fullmatch(r"\d+(\.\d+)?", text)
    return {float(text)} if plain and re.search("seed|scale|steps|width|height", name) else set()


# The tests


@pytest.mark.parametrize(("name", "model"), OFFERS, ids=[" ".join(offer) for offer in OFFERS])
def test_an_entry_gives_a_picture_and_a_true_receipt(house: House, name: str, model: str) -> None:
    if model == OVER_GRPC and not has_stability_sdk():
        pytest.skip("stability-sdk is not to be had for Python 3.13 or later")
    vendor = house.vendors.get((name, model))
    if vendor:
        vendor.received()
    path, receipt = house.client.predict(
        provider=name, model=model, **ASKED, api_name="/generate"
    )  # fmt: skip
    data = Path(path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == receipt["sha256"]
    _the_receipt_has_the_price_of_the_config(receipt, name, model)
    if vendor is None:
        _the_sketch_is_told_truly(receipt)
        return
    assert data == vendor.data
    assert (receipt["width"], receipt["height"]) == FORMS[vendor.form]
    assert receipt["media_type"] == f"image/{vendor.form}"
    received = Received(vendor.received())
    assert received.has_words(PROMPT)
    _the_notes_name_what_was_not_sent(receipt, received)
    _the_notes_tell_what_became_of_the_size(receipt, received)


def _the_receipt_has_the_price_of_the_config(
    receipt: dict[str, Any], name: str, model: str
) -> None:
    entry = SHIPPED[name]
    usd = None if entry.usd(model) is None else float(entry.usd(model) or 0)
    payer = "free" if usd == 0 else "allowance" if entry.free else "budget"
    billed = "no" if usd == 0 else "yes"
    assert (receipt["provider"], receipt["model"]) == (name, model)
    assert (receipt["cost_usd"], receipt["paid_by"]) == (usd, payer)
    assert receipt["sample"] is (entry.adapter == "sketch")
    trail = [(a["provider"], a["outcome"], a["cost_usd"], a["billed"]) for a in receipt["attempts"]]
    assert trail == [(name, "succeeded", usd, billed)]


def _the_sketch_is_told_truly(receipt: dict[str, Any]) -> None:
    assert (receipt["width"], receipt["height"], receipt["seed"]) == (WIDTH, HEIGHT, SEED)
    assert receipt["notes"] == [
        f"{name} ignored by sketch" for name in ("negative prompt", "steps", "guidance")
    ]


def _the_notes_name_what_was_not_sent(receipt: dict[str, Any], received: Received) -> None:
    sent = {
        "negative prompt": received.has_words(NEGATIVE),
        "seed": received.has_number(SEED),
        "steps": received.has_number(STEPS),
        "guidance": received.has_number(GUIDANCE),
    }
    named = {name: [note for note in receipt["notes"] if name in note] for name in sent}
    assert {name: not notes for name, notes in named.items()} == sent, receipt["notes"]
    assert receipt["seed"] == (SEED if sent["seed"] else None)
    for note in receipt["notes"]:
        if instead := re.search(r"(?:became|lowered to|raised to) ([\d.]+)$", note):
            assert received.has_number(float(instead[1])), note


def _the_notes_tell_what_became_of_the_size(receipt: dict[str, Any], received: Received) -> None:
    asked, made = f"{WIDTH}×{HEIGHT}", f"{receipt['width']}×{receipt['height']}"
    rounded = [n.split(" to ")[1] for n in receipt["notes"] if n.startswith(f"rounded {asked} to ")]
    [instead] = [n for n in receipt["notes"] if n.startswith(f"made {made} instead of ")]
    assert instead.split(" of ")[1] in (asked, *rounded)
    if received.has_number(WIDTH) and received.has_number(HEIGHT):
        assert not rounded
    elif not rounded:
        assert instead.endswith(asked)
    elif received.names_a_size() and "×" in rounded[0]:
        assert all(received.has_number(float(side)) for side in rounded[0].split("×"))
    elif received.names_a_size():
        assert received.has_words(rounded[0].removeprefix("the shape "))


def test_no_key_is_left_in_any_file(house: House) -> None:
    house.client.predict("a fox", api_name="/generate")
    assert len(house.keys) >= 8
    for path in house.app.folder.rglob("*"):
        if path.is_file():
            found = path.read_bytes()
            assert not [key for key in house.keys if key.encode() in found], path
