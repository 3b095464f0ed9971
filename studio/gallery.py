"""The gallery: each picture once, under its SHA-256, with its receipt beside it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
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
        self._unfinished = folder / "unfinished"
        self._unfinished.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes, receipt: Receipt) -> Path:
        """Store a picture and its receipt; bytes that are here already stay as they are.

        Until `finish` a note of it is kept: should we be ended in between, whoever comes across
        the request finds the picture (`unfinished`). What is half written lies beside the note.
        """
        try:
            self._part(receipt, "picture").write_bytes(data)
            self._part(receipt, "part").write_bytes(_text(receipt))
            self._part(receipt, "part").replace(self._note(receipt.request_id))
            return self._place(receipt)
        except OSError:
            self._forget(receipt)
            raise

    def finish(self, receipt: Receipt) -> None:
        """The ledger has it. Should the same bytes have been deleted just now, here they are."""
        with suppress(OSError):
            self._place(receipt)
        self._forget(receipt)

    def unfinished(self, request_id: str) -> tuple[Receipt, int] | None:
        """The receipt and the size of a picture that came and is not in the ledger."""
        try:
            receipt = Receipt.from_dict(json.loads(self._note(request_id).read_bytes()))
            return receipt, self._place(receipt).stat().st_size
        except (OSError, ValueError):
            return None

    def tidy(self, older_than: float) -> None:
        """Remove what was left half written before `older_than`, in seconds since 1970."""
        for part in self._unfinished.iterdir():
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < older_than:
                    part.unlink()

    def _forget(self, receipt: Receipt) -> None:
        for kind in ("note", "part", "picture", "receipt"):
            with suppress(OSError):
                self._part(receipt, kind).unlink()

    def _place(self, receipt: Receipt) -> Path:
        """Give what is written its name. Two may do so at once: one that was thought to be gone,
        and whoever came across what it left.
        """
        path = self._path(receipt)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            # The picture comes last: where it is, its receipt is too.
            beside = self._part(receipt, "receipt")
            beside.write_bytes(_text(receipt))
            for part, name in (
                (beside, path.with_suffix(".json")),
                (self._part(receipt, "picture"), path),
            ):
                try:
                    part.replace(name)
                except FileNotFoundError:
                    if not name.exists():
                        raise
        return path

    def remove(self, sha256: str, media_type: str) -> None:
        """Delete a picture and its receipt."""
        path = self._stem(sha256).with_suffix("." + EXTENSIONS[media_type])
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)

    def _note(self, request_id: str) -> Path:
        return self._unfinished / f"{request_id}.note"

    def _part(self, receipt: Receipt, kind: str) -> Path:
        return self._unfinished / f"{receipt.request_id}.{kind}"

    def _path(self, receipt: Receipt) -> Path:
        return self._stem(receipt.sha256).with_suffix("." + EXTENSIONS[receipt.media_type])

    def find(self, sha256: str) -> tuple[Path, str] | None:
        """The file of a picture and its media type, if it is here."""
        for extension, media_type in _MEDIA_TYPES.items():
            path = self._stem(sha256).with_suffix("." + extension)
            if path.exists():
                return path, media_type
        return None

    def _stem(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def _text(receipt: Receipt) -> bytes:
    return json.dumps(receipt.as_dict(), indent=1).encode()


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
