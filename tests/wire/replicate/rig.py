"""Replicate: a prediction, what becomes of it, and the picture at an address that it names."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from providers import replicate
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers, Request

KEY = "r8_a_token_that_nobody_must_see"
MODEL = "black-forest-labs/flux-schnell"
SDXL, SD = "stability-ai/sdxl", "stability-ai/stable-diffusion"
INLINE = False
ID = "gm3qorzdhgbfurvjtvhg6dckhu"
VERSION = "7762fd07"
ASK = f"POST /v1/models/{MODEL}/predictions"
ASK_VERSION = "POST /v1/predictions"
LOOK, CANCEL = f"GET /v1/predictions/{ID}", f"POST /v1/predictions/{ID}/cancel"
LATEST, ACCOUNT, FETCH = f"GET /v1/models/{SDXL}", "GET /v1/account", "GET /out-0.png"

PLACES = {"asked": ASK, "look": LOOK, "picture": FETCH}
OPTIONS: dict[str, Any] = {
    "versions": {SDXL: "latest", SD: "ac732df8"},
    "inputs": {
        MODEL: {
            "fields": {
                "prompt": "prompt",
                "aspect_ratio": "aspect_ratio",
                "seed": "seed",
                "num_inference_steps": "steps",
                "output_format": "png",
                "go_fast": False,
            },
            "aspect_ratios": ["1:1", "16:9", "3:2", "2:3", "5:4", "4:5", "9:16"],
            "steps": [1, 4],
        },
        SDXL: {"sides": {"min": 512, "max": 1536, "step": 8}, "guidance": [1, 50]},
        SD: {"sides": {"min": 64, "max": 1024, "step": 64}, "guidance": [1, 20]},
    },
}


def entry(url: str, **more: Any) -> Entry:
    models = tuple(Model(name, Decimal(0)) for name in (MODEL, SDXL, SD))
    settings: dict[str, Any] = {"timeout": 5.0, "models": models, "options": OPTIONS, **more}
    return replicate.TRAITS.complete(Entry("replicate", "replicate", base_url=url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    new = Answer(201, body=prediction("starting"))
    model = {
        "url": f"https://replicate.com/{SDXL}", "owner": "stability-ai", "name": "sdxl",
        "visibility": "public", "run_count": 1, "default_example": prediction("aborted"),
        "latest_version": {
            "id": VERSION, "created_at": "2024-05-21T00:00:00Z", "cog_version": "0.9.7",
            "openapi_schema": {},
        },
    }  # fmt: skip
    return {
        ASK: asked or new,
        ASK_VERSION: asked or new,
        LOOK: done,
        CANCEL: Answer(body=prediction("canceled")),
        FETCH: picture or Answer(headers={"content-type": "image/png"}, body=canned("png")),
        LATEST: Answer(body=model),
        ACCOUNT: Answer(body={"type": "user", "username": "fox", "name": "Fox"}),
    }


def prediction(status: str, **more: Any) -> dict[str, Any]:
    """A prediction as the API says it, shortened."""
    return {
        "id": ID, "model": MODEL, "version": "hidden", "input": {"prompt": "a fox"}, "logs": "",
        "output": None, "error": None, "status": status, "data_removed": False,
        "created_at": "2026-10-07T16:19:34.765994Z", "urls": {}, **more,
    }  # fmt: skip


def done(request: Request) -> Answer:
    """The prediction that has succeeded: its picture lies on the host that was asked."""
    output = [f"http://{request.headers['host']}/out-0.png"]
    return Answer(body=prediction("succeeded", output=output, version=None))


def after(*answers: Answer) -> Callable[[Request], Answer]:
    """The prediction answers these first, and then has succeeded."""
    left = list(answers)
    return lambda request: left.pop(0) if left else done(request)
