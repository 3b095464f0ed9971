"""What real servers answer, kept as rows under `tests/wire/`, and real pictures to go with them."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from PIL import Image

from tests.loopback import Answer, Request


@cache
def picture(form: str = "png", width: int = 64, height: int = 64) -> bytes:
    """A real picture (`png`, `jpeg`, `webp`, `gif`) of noise, always the same one."""
    noise = Random(0).randbytes(width * height * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), noise).save(file, form)
    return file.getvalue()


def rows(adapter: str) -> list[dict[str, Any]]:
    """The rows of `tests/wire/<adapter>/*.yaml`: what real servers answer, and what that means.

    A row has `name`, `status` (200), `headers`, `body` (in which `<png>` stands for a picture in
    base64, `<half png>` for half of it) or `picture: png` (with `half: true` half of it), `fault`,
    `expect` (an outcome), `reason` (a part of it) and `source`; an adapter's test may read more.
    """
    files = sorted((Path(__file__).parent / "wire" / adapter).glob("*.yaml"))
    return [row for file in files for row in yaml.safe_load(file.read_text("utf-8"))]


def answer_of(row: Mapping[str, Any]) -> Answer:
    """The answer that a row describes."""
    body = _filled(row.get("body", b""))
    if "picture" in row:
        body = picture(row["picture"])
        body = body[: len(body) // 2] if row.get("half") else body
    return Answer(row.get("status", 200), row.get("headers") or {}, body, row.get("fault"))


def naming_its_host(answer: Answer) -> Callable[[Request], Answer]:
    """`answer`, with the host that was asked wherever its body has `<host>`."""

    def named(request: Request) -> Answer:
        text = json.dumps(answer.body).replace("<host>", request.headers["host"])
        return replace(answer, body=json.loads(text))

    return named if isinstance(answer.body, dict) else lambda _: answer


def in_base64(form: str = "png", width: int = 64, height: int = 64) -> str:
    return base64.b64encode(picture(form, width, height)).decode()


def _picture_named(found: re.Match[str]) -> str:
    data = picture(found[2])
    return base64.b64encode(data[: len(data) // 2] if found[1] else data).decode()


def _filled(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value) for value in body]
    if isinstance(body, str):
        return re.sub("<(half )?(png|jpeg|webp)>", _picture_named, body)
    return body
