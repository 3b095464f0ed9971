"""The AI Horde: a job is begun, asked after, and its picture comes as base64 in its status."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers import aihorde
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers

KEY = "horde-a-key-that-nobody-must-see"
MODEL = "any"
INLINE = True
JOB = "0c3a7f24-7f0e-4f0b-9d7e-1f2a3b4c5d6e"
ASK, CHECK = "POST /api/v2/generate/async", f"GET /api/v2/generate/check/{JOB}"
STATUS, STOP = f"GET /api/v2/generate/status/{JOB}", f"DELETE /api/v2/generate/status/{JOB}"
USER, HEARTBEAT = "GET /api/v2/find_user", "GET /api/v2/status/heartbeat"
PLACES = {"asked": ASK, "check": CHECK, "status": STATUS}


def entry(url: str, **more: Any) -> Entry:
    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    settings["options"] = {"poll_seconds": 0.05, **settings.get("options", {})}
    base_url = f"{url}/api/v2"
    return aihorde.TRAITS.complete(Entry("horde", "aihorde", base_url=base_url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    sent = picture or Answer(body=canned("webp"))
    made = {"img": base64.b64encode(sent.body).decode(), "seed": "7", "censored": False}
    waits = {"done": False, "faulted": False, "is_possible": True, "wait_time": 0.5}
    return {
        ASK: asked or Answer(202, {}, {"id": JOB, "kudos": 10.0}),
        CHECK: [
            Answer(body={**waits, "queue_position": 3}),
            Answer(body={**waits, "done": True, "queue_position": 0}),
        ],
        STATUS: replace(sent, body={"done": True, "generations": [made]}),
        STOP: Answer(body={"done": False}),
        USER: Answer(body={"username": "fox#1", "kudos": 12.0}),
        HEARTBEAT: Answer(body={"message": "OK"}),
    }
