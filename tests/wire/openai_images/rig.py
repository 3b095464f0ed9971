"""A host with OpenAI's API for pictures: the picture is base64 within the answer."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers import openai_images
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers

KEY = "sk-a-key-that-nobody-must-see"
MODEL = "flux"
INLINE = True
ASK, MODELS = "POST /v1/images/generations", "GET /v1/models"

PLACES = {"asked": ASK}


def entry(url: str, **more: Any) -> Entry:
    """Imports the SDK too, lest its seconds count against a short deadline."""
    import openai.resources.images  # noqa: F401

    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    name, base_url = settings.pop("name", "host"), settings.pop("base_url", f"{url}/v1")
    return openai_images.TRAITS.complete(
        Entry(name, "openai_images", base_url=base_url, **settings)
    )


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    sent = picture or Answer(body=canned("png"))
    body = {"created": 1760335349, "data": [{"b64_json": base64.b64encode(sent.body).decode()}]}
    headers = {**sent.headers, "content-type": "application/json"}
    listed = {"object": "list", "data": [{"id": MODEL, "object": "model"}]}
    return {ASK: asked or replace(sent, body=body, headers=headers), MODELS: Answer(body=listed)}
