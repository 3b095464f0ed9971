"""Calls an adapter as the router does: makes it, asks it, closes it."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from types import EllipsisType

from providers.base import Check, Entry, Picture, PictureRequest, Progress, Provider


def made(settings: Entry) -> Provider:
    provider: Provider = importlib.import_module(f"providers.{settings.adapter}").create(settings)
    return provider


def unheard(progress: Progress) -> None:
    """For tests that do not care how far it is."""


@dataclass(frozen=True)
class Caller:
    """What is asked for, and with which key, unless a test says otherwise."""

    request: PictureRequest
    key: str | None = None

    async def paint(
        self,
        settings: Entry,
        request: PictureRequest | None = None,
        key: str | EllipsisType | None = ...,
        seconds: float = 5,
        told: list[Progress] | None = None,
    ) -> Picture:
        """One picture, `seconds` before the deadline; `told` takes what is reported."""
        provider = made(settings)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            return await provider.generate(
                request or self.request,
                key=self.key if key is ... else key,
                deadline=deadline,
                report=unheard if told is None else told.append,
            )
        finally:
            await provider.aclose()

    async def check(self, settings: Entry, key: str | EllipsisType | None = ...) -> Check:
        provider = made(settings)
        try:
            return await provider.check(key=self.key if key is ... else key)
        finally:
            await provider.aclose()


def python(code: str, **environ: str) -> str:
    """What a Python of its own prints, in which nothing is imported yet."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": ".", **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()
