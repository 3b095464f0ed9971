"""One app and one vendor, whose answers repeat the key that they were sent. The model chooses who
is asked: `402` is had by the entry `402`, which fails so, then by `dear`, then by `free`; with
`dear-402` the first one costs money too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from gradio_client import Client

from tests.api.conftest import House
from tests.canned import picture
from tests.loopback import Answer, Request, serve
from tests.running import running

KEY = "hf_a/key+that=nobody&may:see"
LARGE = {form: picture(form, 640, 480) for form in ("png", "jpeg", "webp")}
LATENCY = 0.5

FAULTS: dict[str, tuple[str, Callable[[str], Answer]]] = {
    "401": ("not_configured", lambda key: Answer(401, {}, {"error": f"Invalid token {key}"})),
    "402": ("quota_exhausted", lambda key: Answer(402, {}, {"error": f"No credits: {key}"})),
    "410": ("unsupported", lambda key: Answer(410, {}, {"error": f"Model is gone, {key}"})),
    "429": ("rate_limited", lambda key: Answer(429, {"retry-after": "30"}, {"error": key})),
    "503": ("unavailable", lambda key: Answer(503, {"x-key": key}, "Loading. " * 20 + key)),
    "html": ("lost", lambda key: Answer(body=f"<title>{key}</title><p>Sign in to Wi-Fi")),
    "half": ("lost", lambda _: Answer(body=LARGE["png"][: len(LARGE["png"]) // 2])),
    "close": ("lost", lambda _: Answer(fault="close")),
    "break": ("lost", lambda _: Answer(body=LARGE["jpeg"], fault="break_off")),
    "hang": ("lost", lambda _: Answer(fault="hang")),
}
"""What becomes of it, and the answer. `lost`: `unavailable` where it is free, else nobody knows."""

CONFIG = """
fallback: [ENTRIES, dear, free, credit, unset, nowhere, costly, unpriced]
free_first: false
budget: {usd_per_image: 0.05, usd_per_day: 100}
limits: {per_visitor_per_minute: 10000, per_visitor_in_flight: 100}
providers:
  sketch: {adapter: sketch}
"""
MODELS = [*FAULTS, *(f"dear-{name}" for name in FAULTS)]


def config(url: str) -> str:
    """Every entry is a path of the vendor at `url`."""

    def entry(name: str, path: str, models: list[str], usd: object, more: str = "") -> str:
        listed = ", ".join(f"{{id: '{model}', usd: {usd}}}" for model in models)
        timeout = 1 if "hang" in path else 30
        return (
            f"  {name}: {{adapter: huggingface, key_env: TEST_KEY, base_url: '{url}/{path}', "
            f"timeout: {timeout}, models: [{listed}]{more}}}\n"
        )

    text = CONFIG.replace("ENTRIES", ", ".join(f"at-{model}" for model in MODELS))
    for name in FAULTS:
        text += entry(f"at-{name}", name, [name], 0)
        text += entry(f"at-dear-{name}", name, [f"dear-{name}"], 0.02)
    text += entry("dear", "png", [*MODELS, "any"], 0.02)
    text += entry("free", "png", [*MODELS, "any"], 0)
    allowance = ", free: {amount: 0.10, unit: usd, per: month, when_spent: stops}"
    text += entry("credit", "webp", ["of-credit"], 0.04, allowance)
    text += entry("unset", "png", ["of-unset"], 0).replace("TEST_KEY", "NOBODY_SETS_THIS")
    text += "  nowhere: {adapter: automatic1111, base_url_env: NOBODY_SETS_THIS}\n"
    text += entry("costly", "png", ["of-costly"], 1)
    text += entry("unpriced", "png", ["of-unpriced"], "null")
    for name in (*LARGE, "slow", "alpha", "palette", "grey", "cmyk"):
        text += entry(name if name not in LARGE else f"a-{name}", name, [f"of-{name}"], 0)
    return text


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    from tests.doors.odd_pictures import ODD

    def answer(request: Request) -> Answer:
        name = request.path.strip("/")
        if name in FAULTS:
            return FAULTS[name][1](request.headers["authorization"].removeprefix("Bearer "))
        if name == "slow":
            vendor.release.wait(LATENCY)
        return Answer(body=LARGE.get(name) or ODD.get(name) or LARGE["png"])

    folder = tmp_path_factory.mktemp("doors")
    with serve(answer) as vendor, running(folder, config(vendor.url), TEST_KEY=KEY) as app:
        files = str(folder / "downloads")
        client = Client(app.url, verbose=False, analytics_enabled=False, download_files=files)
        yield House(app, vendor, client)
        vendor.release.set()
