"""Cloudflare's API: the picture is base64 within the answer to the run of a model."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers import cloudflare
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers

KEY = "cf-a-token-that-nobody-must-see"
MODEL = "@cf/black-forest-labs/flux-1-schnell"
INLINE = True
ACCOUNT_ENV = "FREEBRUSH_TEST_CLOUDFLARE_ACCOUNT"
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ROOT = f"/client/v4/accounts/{ACCOUNT}/ai"
RUN, MODELS = f"POST {ROOT}/run/{MODEL}", f"GET {ROOT}/models/search"

PLACES = {"asked": RUN}


def entry(url: str, **more: Any) -> Entry:
    os.environ[ACCOUNT_ENV] = ACCOUNT
    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    settings["options"] = {"account_env": ACCOUNT_ENV, **settings.get("options", {})}
    base_url = f"{url}/client/v4"
    return cloudflare.TRAITS.complete(Entry("cf", "cloudflare", base_url=base_url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    sent = picture or Answer(body=canned("jpeg"))
    body = {
        "result": {"image": base64.b64encode(sent.body).decode()},
        "success": True,
        "errors": [],
        "messages": [],
    }
    listed = {"success": True, "result": [], "errors": [], "messages": []}
    headers = {**sent.headers, "content-type": "application/json"}
    return {RUN: asked or replace(sent, body=body, headers=headers), MODELS: Answer(body=listed)}
