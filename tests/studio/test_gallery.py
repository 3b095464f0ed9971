"""The gallery: each picture once, whole, byte for byte; and capabilities that are taken back."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from studio.gallery import Gallery, digest, hand_out, take_back
from studio.receipt import Receipt
from tests.canned import picture


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "data" / "pictures")


def receipt(data: bytes, form: str = "png", request_id: str = "r") -> Receipt:
    return Receipt(
        request_id, "a", "m", 1, 64, 64, f"image/{form}", digest(data), 1.0, None, "free", False,
        ("水墨",), (),
    )  # fmt: skip


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif"])
def test_a_picture_is_kept_byte_for_byte_with_its_receipt_beside_it(
    gallery: Gallery, tmp_path: Path, form: str
) -> None:
    data = picture(form)
    path = gallery.keep(data, receipt(data, form))
    assert path.read_bytes() == data
    assert path.name == digest(data) + {"jpeg": ".jpg"}.get(form, f".{form}")
    assert path.parent.name == digest(data)[:2]
    assert json.loads(path.with_suffix(".json").read_bytes()) == receipt(data, form).as_dict()
    assert gallery.find(digest(data)) == (path, f"image/{form}")
    gallery.finish(receipt(data, form))
    assert len(files(tmp_path)) == 2


def test_the_same_bytes_are_stored_once_with_the_first_receipt(
    gallery: Gallery, tmp_path: Path
) -> None:
    data = picture()
    first = gallery.keep(data, receipt(data, request_id="one"))
    before = first.stat()
    assert gallery.keep(data, receipt(data, request_id="two")) == first
    after = first.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert json.loads(first.with_suffix(".json").read_bytes())["request_id"] == "one"
    for request_id in ("one", "two"):
        gallery.finish(receipt(data, request_id=request_id))
    assert len(files(tmp_path)) == 2


def test_what_is_not_there_is_not_found(gallery: Gallery) -> None:
    assert gallery.find("ab" * 32) is None


@pytest.mark.parametrize("breaks", [1, 2, 3])
def test_a_write_that_breaks_off_leaves_nothing_half_and_can_be_done_again(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: int
) -> None:
    data, whole, calls = picture(), Path.write_bytes, []

    def full(path: Path, data: bytes) -> int:
        calls.append(path)
        if len(calls) == breaks:
            whole(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        gallery.keep(data, receipt(data))
    assert len(calls) == breaks
    assert gallery.find(digest(data)) is None
    assert files(tmp_path) == []
    path = gallery.keep(data, receipt(data))
    assert path.read_bytes() == data
    assert json.loads(path.with_suffix(".json").read_bytes()) == receipt(data).as_dict()


def test_handing_out_copies_no_byte(gallery: Gallery, tmp_path: Path) -> None:
    path = gallery.keep(picture(), receipt(picture()))
    one, two = (hand_out(path, tmp_path / "out", "fox") for _ in range(2))
    assert one.name == two.name == "fox.png"
    assert one.parent != two.parent
    assert len(one.parent.name) == 32
    assert one.stat().st_ino == two.stat().st_ino == path.stat().st_ino
    assert path.stat().st_nlink == 3


def test_where_there_are_no_hard_links_it_copies(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", none)
    path = gallery.keep(picture(), receipt(picture()))
    copy = hand_out(path, tmp_path / "out", "fox")
    assert copy.read_bytes() == picture()
    assert copy.stat().st_ino != path.stat().st_ino


def test_only_what_is_old_is_taken_back_and_the_picture_stays(
    gallery: Gallery, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    take_back(folder, 0)  # nothing was ever handed out
    path = gallery.keep(picture(), receipt(picture()))
    old, new = (hand_out(path, folder, "fox") for _ in range(2))
    os.utime(old.parent, (1000, 1000))
    take_back(folder, 1000)
    assert old.exists()
    take_back(folder, 1001)
    assert not old.parent.exists()
    assert new.exists()
    assert path.read_bytes() == picture()
