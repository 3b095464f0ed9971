"""Zhipu's API: the answer names the address of the picture."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from providers import cogview
from providers.base import Entry, Model
from tests.canned import picture as canned
from tests.loopback import Answer, Answers, Request

KEY = "0123456789abcdef.a-key-that-nobody-must-see"
MODEL = "cogview-3-flash"
INLINE = False
ROOT = "/api/paas/v4"
ASK, FETCH, MODELS = f"POST {ROOT}/images/generations", "GET /a.png", f"GET {ROOT}/models"

PLACES = {"asked": ASK, "picture": FETCH}


def entry(url: str, **more: Any) -> Entry:
    """Imports the SDK too, lest its second or two count against a short deadline."""
    import zai  # noqa: F401

    settings: dict[str, Any] = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    base_url = f"{url}{ROOT}"
    return cogview.TRAITS.complete(Entry("cogview-flash", "cogview", base_url=base_url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    return {
        ASK: asked or made,
        FETCH: picture or Answer(headers={"content-type": "image/png"}, body=canned("png")),
        MODELS: Answer(body={"object": "list", "data": []}),
    }


def made(request: Request) -> Answer:
    """The answer to a picture made: it lies on the host that was asked."""
    url = f"http://{request.headers['host']}/a.png"
    filters = [{"role": "assistant", "level": 3}]
    return Answer(body={"created": 1760335349, "data": [{"url": url}], "content_filter": filters})
