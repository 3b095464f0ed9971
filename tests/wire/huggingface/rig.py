"""Hugging Face by an own address, in the format of hf-inference: the answer is the picture."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from providers import huggingface
from providers.base import Entry, Model
from tests.canned import picture
from tests.loopback import Answer, Answers

KEY = "hf_a_key_that_nobody_must_see"
MODEL = "black-forest-labs/FLUX.1-schnell"
INLINE = True
PLACES = {"asked": "POST /"}
PNG = Answer(headers={"content-type": "image/png"}, body=picture("png"))


def entry(url: str, **more: Any) -> Entry:
    settings = {"timeout": 5.0, "models": (Model(MODEL, Decimal(0)),), **more}
    return huggingface.TRAITS.complete(Entry("hf", "huggingface", base_url=url, **settings))


def stage(asked: Answer | None = None, picture: Answer | None = None) -> Answers:
    return asked or picture or PNG
