"""The gallery: each picture once, under its SHA-256, with its receipt beside it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path

from studio.receipt import Receipt

EXTENSIONS = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
}  # fmt: skip
_MEDIA_TYPES = {extension: media_type for media_type, extension in EXTENSIONS.items()}


def digest(data: bytes) -> str:
    """The name of these bytes in the gallery: their SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


class Gallery:
    """Pictures and receipts below one folder. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes, receipt: Receipt) -> Path:
        """Store a picture and its receipt; bytes that are here already are not written again."""
        path = self._stem(receipt.sha256).with_suffix("." + EXTENSIONS[receipt.media_type])
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            # The picture comes last: where it is, its receipt is too.
            _write(path.with_suffix(".json"), json.dumps(receipt.as_dict(), indent=1).encode())
            _write(path, data)
        return path

    def find(self, sha256: str) -> tuple[Path, str] | None:
        """The file of a picture and its media type, if it is here."""
        for extension, media_type in _MEDIA_TYPES.items():
            path = self._stem(sha256).with_suffix("." + extension)
            if path.exists():
                return path, media_type
        return None

    def _stem(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def hand_out(path: Path, folder: Path, name: str) -> Path:
    """A second name for a stored picture, in a folder nobody can guess: whoever has it may read it.

    A hard link where the file system has them, so that no byte is copied.
    """
    target = folder / secrets.token_hex(16) / (name + path.suffix)
    target.parent.mkdir(parents=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
    return target


def take_back(folder: Path, older_than: float) -> None:
    """Remove what was handed out before `older_than`, in seconds since 1970."""
    for capability in folder.glob("*/"):
        if capability.stat().st_mtime < older_than:
            shutil.rmtree(capability, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing: under a temporary name first."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
