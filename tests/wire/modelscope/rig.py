"""ModelScope: a task, what becomes of it, and the picture at an address that it names."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from providers import modelscope
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers, Request

KEY = "ms-a-token-that-nobody-must-see"
MODEL = "Tongyi-MAI/Z-Image-Turbo"
INLINE = False
ASK, TASK, FETCH = "POST /v1/images/generations", "GET /v1/tasks/123", "GET /a.png"
MODELS = "GET /v1/models"

PLACES = {"asked": ASK, "task": TASK, "picture": FETCH}


def entry(url: str, **more: Any) -> Entry:
    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    base_url = f"{url}/v1"
    return modelscope.TRAITS.complete(Entry("ms", "modelscope", base_url=base_url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    return {
        ASK: asked or Answer(body={"task_status": "SUCCEED", "task_id": "123"}),
        TASK: done,
        FETCH: picture or Answer(headers={"content-type": "image/png"}, body=canned("png")),
        MODELS: Answer(body={"object": "list", "data": []}),
    }


def done(request: Request) -> Answer:
    """The task that has succeeded: its picture lies on the host that was asked."""
    url = f"http://{request.headers['host']}/a.png"
    return Answer(body={"task_status": "SUCCEED", "output_images": [url]})


def after(*answers: Answer) -> Callable[[Request], Answer]:
    """The task answers these first, and then has succeeded."""
    left = list(answers)
    return lambda request: left.pop(0) if left else done(request)
