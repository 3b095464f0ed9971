"""A server that answers as Forge does: the picture is base64 within the answer to txt2img."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers import automatic1111
from providers.base import Entry, Model
from tests.canned import picture as png
from tests.loopback import Answer, Answers

KEY = "painter:a_password_that_nobody_must_see"
MODEL = "default"
INLINE = True
PLACES = {"asked": "POST /sdapi/v1/txt2img"}
IDLE = {"progress": 0.0, "eta_relative": 0.0, "state": {"interrupted": False}}


def entry(url: str | None, **more: Any) -> Entry:
    models = (Model(MODEL, Decimal(0)),)
    settings: dict[str, Any] = {
        "timeout": 5.0, "key_env": "A1111_AUTH", "models": models, **more,
    }  # fmt: skip
    return automatic1111.TRAITS.complete(Entry("a1111", "automatic1111", base_url=url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    sent = picture or Answer(body=png())
    body = {"images": [base64.b64encode(sent.body).decode()], "info": '{"seed": 7}'}
    return {
        PLACES["asked"]: asked or replace(sent, body=body),
        "GET /sdapi/v1/progress": Answer(body=IDLE),
        "POST /sdapi/v1/interrupt": Answer(body={}),
    }
