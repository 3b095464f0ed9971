"""What is too old, or too much, goes; and files and rows agree, wherever that is broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select, update
from starlette.applications import Starlette

from api.pictures import picture_route
from studio import clearing
from studio.clearing import AT_A_TIME, clear
from studio.config import Keep
from studio.gallery import Gallery, digest
from studio.ledger import Ledger, record_picture
from studio.receipt import Receipt
from studio.signing import Signer
from studio.tables import pictures
from tests.canned import picture
from tests.studio.conftest import Bench
from tests.studio.fakes import Clock, entry, painted

DAYS = timedelta(days=1)


class Kept:
    """A gallery with its ledger, and a clock that goes on by an hour a picture."""

    def __init__(self, ledger: Ledger, folder: Path, clock: Clock) -> None:
        self.ledger, self.clock, self.folder = ledger, clock, folder
        self.gallery = Gallery(folder)

    def add(self, *sizes: int, age: timedelta = timedelta(0), starred: bool = False) -> list[str]:
        """Pictures of so many bytes, each an hour younger than the one before."""
        names = []
        for size in sizes:
            data = len(self.rows()).to_bytes(size, "big")
            names.append(self.keep(data, age))
            if starred:
                self.change(names[-1], starred=True)
            self.clock.now += timedelta(hours=1)
        return names

    def keep(self, data: bytes, age: timedelta = timedelta(0)) -> str:
        """What `calls.Book` does with a picture."""
        receipt = Receipt(
            digest(data), "a", "m", 1, 64, 64, "image/png", digest(data), 1.0, Decimal(0), "free",
            False, (), (),
        )  # fmt: skip
        self.gallery.keep(data, receipt)
        with self.ledger.engine.begin() as connection:
            record_picture(connection, receipt, len(data), self.clock() - age)
        self.gallery.finish(receipt)
        return receipt.sha256

    def change(self, name: str, **values: Any) -> None:
        with self.ledger.engine.begin() as connection:
            connection.execute(update(pictures).where(pictures.c.sha256 == name).values(**values))

    def clear(self, **keep: Any) -> None:
        clear(self.ledger, self.gallery, Keep(**keep))

    def rows(self) -> set[str]:
        with self.ledger.engine.connect() as connection:
            return set(connection.scalars(select(pictures.c.sha256)))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.glob("??/*")}

    def holds(self, *names: str) -> bool:
        """Whether exactly these are there, each with its receipt, in files and in the ledger."""
        both = {f"{name}.{extension}" for name in names for extension in ("png", "json")}
        return (self.rows(), self.files()) == (set(names), both)


@pytest.fixture
def kept(ledger: Ledger, tmp_path: Path, clock: Clock) -> Kept:
    return Kept(ledger, tmp_path / "pictures", clock)


def test_without_a_limit_nothing_is_ever_deleted(kept: Kept) -> None:
    names = kept.add(*[10] * 3, age=10_000 * DAYS)
    kept.clear()
    assert kept.holds(*names)


def test_what_is_older_than_so_many_days_goes_with_its_receipt(kept: Kept) -> None:
    _, *young = kept.add(10, 10, 10, age=2 * DAYS)
    # The first is two days and three hours old by now.
    kept.clear(days=2 + 2.5 / 24)
    assert kept.holds(*young)
    kept.clear(days=2 + 2 / 24)  # to the minute that old is not older
    assert kept.holds(*young)
    kept.clear(days=0.001)
    assert kept.holds()


@pytest.mark.parametrize(
    ("limit", "left"),
    [(100, 4), (99, 3), (70, 3), (69, 2), (40, 1), (39, 0), (1, 0)],
)
def test_of_what_is_too_much_the_oldest_go_and_no_more_than_must(
    kept: Kept, limit: int, left: int
) -> None:
    names = kept.add(30, 20, 10, 40)
    remaining = {4: names, 3: names[1:], 2: names[2:], 1: names[3:], 0: []}
    kept.clear(bytes=limit)
    assert kept.holds(*remaining[left])


def test_age_and_size_hold_together(kept: Kept) -> None:
    old = kept.add(10, age=9 * DAYS)
    middle, young = kept.add(50, 50)
    kept.clear(days=7, bytes=100)  # without the old one there is room for both
    assert kept.holds(middle, young)
    assert old[0] not in kept.rows()
    kept.clear(days=7, bytes=99)
    assert kept.holds(young)


def test_what_is_starred_counts_and_stays(kept: Kept) -> None:
    dear = kept.add(60, age=999 * DAYS, starred=True)
    first, second = kept.add(20, 20)
    kept.clear(bytes=100, days=30)
    assert kept.holds(*dear, first, second)
    kept.clear(bytes=80)
    assert kept.holds(*dear, second)
    kept.clear(bytes=10, days=0.001)  # more than all that may go
    assert kept.holds(*dear)


def test_no_more_go_at_a_time_than_leave_time_for_the_leases(kept: Kept) -> None:
    names = kept.add(*[4] * (AT_A_TIME + 20), age=50 * DAYS)
    youngest = kept.add(4)
    kept.clear(days=7)
    kept.clear()  # and of the others none is marked before its turn
    assert kept.holds(*names[AT_A_TIME:], *youngest)
    kept.clear(days=7)
    assert kept.holds(*youngest)


def test_more_than_go_at_a_time_go_by_their_size_too(kept: Kept) -> None:
    names = kept.add(*[4] * (AT_A_TIME + 3))
    kept.clear(bytes=8)
    assert kept.holds(*names[AT_A_TIME:])
    kept.clear(bytes=8)
    assert kept.holds(*names[-2:])


def test_a_file_of_unknown_length_goes_by_its_age_alone(kept: Kept) -> None:
    unknown, *known = kept.add(10, 10, 10)
    kept.change(unknown, bytes=0)
    kept.clear(bytes=10)
    assert kept.holds(unknown, known[-1])
    kept.clear(days=0.001)
    assert kept.holds()


class Broken(BaseException):
    """The power is cut."""


@pytest.mark.parametrize("step", ["before the file", "after the picture", "after the receipt"])
@pytest.mark.parametrize("later", [{"days": 1}, {}, {"days": 999}, {"bytes": 10**9}])
def test_broken_off_anywhere_it_is_finished_whatever_is_kept_by_then(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, step: str, later: dict[str, Any]
) -> None:
    names = kept.add(10, 10, age=5 * DAYS)
    young = kept.add(10)
    remove = Gallery.remove

    def breaks(gallery: Gallery, sha256: str, media_type: str) -> None:
        if step == "after the picture":
            (kept.folder / sha256[:2] / f"{sha256}.png").unlink()
        elif step == "after the receipt":
            remove(gallery, sha256, media_type)
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(Gallery, "remove", breaks)
        with pytest.raises(Broken):
            kept.clear(days=1)
    assert kept.rows() == {*names, *young}  # no file is left without a row
    kept.clear(**later)
    assert kept.holds(*young)


def test_broken_off_before_anything_is_marked_nothing_has_happened(kept: Kept) -> None:
    names = kept.add(10, age=5 * DAYS)

    def cut(*_: Any) -> None:
        raise Broken

    event.listen(kept.ledger.engine, "commit", cut)
    with pytest.raises(Broken):
        kept.clear(days=1)
    event.remove(kept.ledger.engine, "commit", cut)
    kept.clear()
    assert kept.holds(*names)


def test_a_file_that_cannot_be_deleted_holds_no_other_up_and_is_tried_again(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = names = kept.add(10, 10, 10, age=5 * DAYS)
    remove = Gallery.remove

    def sticks(gallery: Gallery, sha256: str, media_type: str) -> None:
        if sha256 == first:
            raise PermissionError("in use")
        remove(gallery, sha256, media_type)

    with monkeypatch.context() as patched:
        patched.setattr(Gallery, "remove", sticks)
        with pytest.raises(PermissionError):
            kept.clear(days=1)
    assert kept.holds(first)
    assert len(names) == 3
    kept.clear(days=1)
    assert kept.holds()


def test_what_is_starred_or_made_again_as_it_is_going_stays(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = b"the same, byte for byte"
    starred, made, gone = (
        *kept.add(10, age=9 * DAYS),
        kept.keep(again, 8 * DAYS),
        *kept.add(10, age=7 * DAYS),
    )
    delete = clearing._delete

    def meanwhile(ledger: Ledger, gallery: Gallery, row: Any) -> None:
        if row.sha256 == starred:
            kept.change(starred, starred=True)
        if row.sha256 == made:
            kept.keep(again)
        delete(ledger, gallery, row)

    monkeypatch.setattr(clearing, "_delete", meanwhile)
    kept.clear(days=1)
    assert kept.holds(starred, made)
    assert gone not in kept.rows()


def test_a_picture_that_is_made_once_more_is_as_old_as_its_newest(kept: Kept) -> None:
    name = kept.keep(b"same", 9 * DAYS)
    kept.change(name, starred=True)
    assert kept.keep(b"same") == name
    kept.change(name, starred=False)
    kept.clear(days=1)
    assert kept.holds(name)


async def test_a_picture_that_is_gone_is_a_404_and_was_a_200(
    build: Callable[..., Bench],
) -> None:
    bench = build((entry("a"), painted()), keep_pictures=Keep(days=1))
    made = await bench.make()
    studio = bench.studio
    sidecar = made.path.with_suffix(".json")
    signer = Signer(b"secret", bench.clock)
    link = "/" + signer.link(made.receipt.sha256)
    assert sidecar.exists()
    app = Starlette(routes=[picture_route(studio, signer)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        before = await client.get(link)
        clear(studio.ledger, studio.gallery, studio.config.keep_pictures)
        still = await client.get(link)
        bench.clock.now += timedelta(days=1, seconds=1)
        clear(studio.ledger, studio.gallery, studio.config.keep_pictures)
        link = "/" + signer.link(made.receipt.sha256)
        after = [await client.get(link + more) for more in ("", "&w=64", "&download=1")]
    assert (before.status_code, still.status_code) == (200, 200)
    assert before.content == picture("png")
    assert [answer.status_code for answer in after] == [404] * 3
    assert "no such picture" in after[0].text
    assert not sidecar.exists()
    assert bench.rows("pictures") == []
    assert [row["sha256"] for row in bench.rows("requests")] == [made.receipt.sha256]


async def test_a_studio_looks_after_it_by_itself(build: Callable[..., Bench]) -> None:
    """The first thing that its heartbeat does, with the leases."""
    bench = build((entry("a"), painted()), keep_pictures=Keep(bytes=1))
    made = await bench.make()
    await bench.studio.aclose()
    again = build((entry("a"), painted()), keep_pictures=Keep(bytes=1))
    again.studio.begin()
    for _ in range(500):
        if not made.path.exists():
            break
        await asyncio.sleep(0.01)
    assert not made.path.exists()
