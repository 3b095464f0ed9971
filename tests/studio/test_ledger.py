"""The ledger: what was asked and what came of it; and whatever happens, it adds up."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Numeric, cast, select

from providers.base import Free, Quota
from studio.allowance import allowance_of
from studio.book import Book
from studio.database import open_database, reading
from studio.gallery import Gallery, digest
from studio.leases import sweep
from studio.ledger import LEASE, Ledger, Opened, StorePrompts
from studio.meters import Hold
from studio.offer import Planned
from studio.receipt import Attempt, Receipt
from studio.request import Request
from studio.rollups import Figures, figures
from studio.tables import attempts, meters, pictures, requests
from studio.words import Said
from tests.canned import picture
from tests.studio.books import assert_settled, metered, recounted, rolled_up, rows, spent
from tests.studio.fakes import NOON, Clock, entry

CENT = Decimal("0.01")
DAY = "2026-03-14"


def offer(
    name: str = "a", paid_by: str = "free", usd: str | None = "0", amount: str = "0.01", in_usd: bool = True
) -> Planned:  # fmt: skip
    """One that sets `amount` aside, if it does not cost nothing."""
    one = entry(name, usd)
    holds = (
        () if paid_by == "free" else (Hold(paid_by, DAY, Decimal(amount), Decimal(1000), in_usd),)
    )
    return Planned(one, one.models[0], "ready", paid_by, "anonymous", holds=holds)


PAID = offer(paid_by="budget", usd="0.01")


def start(ledger: Ledger, row: Planned = PAID, request: str = "r") -> Opened:
    opened = ledger.start(request, row)
    assert isinstance(opened, Opened)
    return opened


def attempt(
    ledger: Ledger, outcome: str, seconds: float = 1, cost: str | None = "0", billed: str = "no",
    row: Planned = PAID,
) -> None:  # fmt: skip
    ledger.settle(start(ledger, row), told(outcome, cost, billed, seconds, row))


def told(
    outcome: str, cost: str | None = "0", billed: str = "no", seconds: float = 1, row: Planned = PAID
) -> Attempt:  # fmt: skip
    usd = None if cost is None else Decimal(cost)
    return Attempt(row.entry.name, "m", outcome, "", seconds, usd, billed)


def made(request: str, data: bytes, one: Attempt) -> Receipt:
    return Receipt(
        request, one.provider, one.model, 1, 64, 64, "image/png", digest(data), 1.0, one.cost_usd,
        "budget", False, (), (one,),
    )  # fmt: skip


def shown(ledger: Ledger) -> dict[tuple[str, str], Figures]:
    with reading(ledger.engine) as connection:
        return figures(connection)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "pictures")


def test_an_attempt_is_started_and_then_settled_each_by_its_number(
    ledger: Ledger, engine: Engine
) -> None:
    first, second = start(ledger), start(ledger, offer("b"))
    late = NOON + timedelta(hours=1)
    ledger.settle(second, Attempt("b", "m", "rate_limited", "wait", 2.5, Decimal(0), "no", late))
    found = sorted(rows(engine, attempts), key=lambda row: row.id)
    assert [row.id for row in found] == [first.number, second.number]
    assert [(row.outcome, row.billed, row.cost_usd, row.retry_at) for row in found] == [
        ("started", "maybe", None, None), ("rate_limited", "no", 0, late),
    ]  # fmt: skip
    assert [(row.started_at, row.process) for row in found] == [(NOON, ledger.process)] * 2
    assert [row.lease_until for row in found] == [NOON + LEASE, None]


def test_figures_count_pictures_successes_time_and_money(ledger: Ledger) -> None:
    attempt(ledger, "succeeded", 3, "0.003", "yes")
    attempt(ledger, "succeeded", 1, "0.003", "yes")
    attempt(ledger, "unavailable", 99)
    attempt(ledger, "succeeded", 2, None, "yes")
    attempt(ledger, "outcome_unknown", 90, None, "maybe")
    attempt(ledger, "succeeded", 5, row=offer("b"))
    attempt(ledger, "refused", row=offer("c"))
    start(ledger)  # what is under way is in no sum
    assert shown(ledger) == {
        ("a", "m"): Figures(5, 3, 2.0, Decimal("0.006"), 2),
        ("b", "m"): Figures(1, 1, 5.0, Decimal(0), 0),
        ("c", "m"): Figures(1, 0, None, Decimal(0), 0),
    }


def test_the_median_is_that_of_the_newest_200_successes(ledger: Ledger, clock: Clock) -> None:
    for seconds in [100.0] * 100 + [1.0] * 100 + [3.0] * 100:
        attempt(ledger, "succeeded", seconds)
        clock.now += timedelta(seconds=1)
    assert shown(ledger)["a", "m"].median_seconds == 2.0


def test_money_is_exact_to_the_nano_dollar(ledger: Ledger, engine: Engine) -> None:
    dear = offer(paid_by="budget", usd="1", amount="12345678.123456789")
    dear = replace(dear, holds=(replace(dear.holds[0], ceiling=Decimal(10**9)),))
    for cost in ["0.1"] * 10 + ["0.000000001", "12345678.123456789"]:
        attempt(ledger, "succeeded", 1, cost, "yes", dear)
    assert shown(ledger)["a", "m"].spent_usd == Decimal("12345679.12345679")
    assert metered(engine) == {("budget", DAY): Decimal("12345679.12345679")}
    with reading(engine) as connection:
        stored = connection.scalar(select(cast(meters.c.amount, Numeric)))
    assert stored == 12345679_123456790


def test_a_request_is_written_as_it_was_understood(ledger: Ledger, engine: Engine) -> None:
    assert ledger.begin_request("r", "owner", Request("狐狸 🦊", seed=None, steps=4), 2**32 - 1)
    (row,) = rows(engine, requests)
    assert (row.prompt, row.seed, row.steps, row.guidance) == ("狐狸 🦊", 2**32 - 1, 4, None)
    assert (row.visitor, row.asked_at, row.lease_until) == ("owner", NOON, NOON + LEASE)
    ledger.end_request("r", [told("unavailable")])
    (row,) = rows(engine, requests)
    assert row.ended_at == NOON
    assert '"unavailable"' in row.trail


@pytest.mark.parametrize("kept", ["full", "hash", "none"])
def test_of_a_prompt_only_what_the_config_allows_is_in_any_file(
    tmp_path: Path, kept: StorePrompts
) -> None:
    prompt, negative = "a fox that nobody knows of", "the moat behind it"
    engine = open_database(tmp_path)
    ledger = Ledger(engine, Clock(), kept)
    wish = Request(prompt, negative)
    ledger.begin_request("r", "owner", wish, 1)
    ledger.begin_request("s", "owner", wish, 1, "key/0")
    ledger.settle(start(ledger), told("unavailable"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "ledger.db-wal" in [path.name for path in files]
    everything = b"".join(path.read_bytes() for path in files)
    digests = [hashlib.sha256(words.encode()).hexdigest().encode() for words in (prompt, negative)]
    for words, its_digest in zip((prompt, negative), digests, strict=True):
        assert (words.encode() in everything) == (kept == "full")
        assert (its_digest in everything) == (kept == "hash")
    engine.dispose()


def test_without_a_key_nothing_tells_whether_two_prompts_were_the_same(
    engine: Engine, clock: Clock
) -> None:
    ledger = Ledger(engine, clock, "none")
    for number in "12":
        ledger.begin_request(number, "owner", Request("a fox"), 1)
    assert [row.fingerprint for row in rows(engine, requests)] == ["", ""]


def test_who_is_refused_money_is_told_what_is_left_and_nothing_is_written(
    ledger: Ledger, engine: Engine
) -> None:
    tight = replace(PAID, holds=(replace(PAID.holds[0], ceiling=Decimal("0.015")),))
    start(ledger, tight)
    said = ledger.start("r", tight)
    assert isinstance(said, Said)
    assert str(said) == "over budget: it costs $0.01 and $0.005 is left today"
    assert len(rows(engine, attempts)) == 1
    assert metered(engine) == {("budget", DAY): CENT}


_ENDS = [
    ("succeeded", "0.004", "yes"), ("succeeded", None, "yes"), ("succeeded", "0", "no"),
    ("outcome_unknown", None, "maybe"), ("refused", "0", "no"),
]  # fmt: skip


@pytest.mark.parametrize("row", [
    PAID, offer(paid_by="allowance", usd="0.01"), offer(),
    offer(paid_by="allowance", usd="0", amount="1", in_usd=False),
    replace(offer(paid_by="allowance", amount="1", in_usd=False), paid_by="free"),
], ids=["budget", "credit", "free", "pictures", "free pictures"])  # fmt: skip
@pytest.mark.parametrize("end", _ENDS, ids=" ".join(map(str, range(5))).split())
def test_who_comes_back_after_a_sweep_takes_the_sweep_back(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, row: Planned,
    end: tuple[str, str | None, str],
) -> None:  # fmt: skip
    ledger.settle(start(ledger, row), told(*end, row=row))
    once, counted = metered(engine), rolled_up(engine)
    opened = start(ledger, row)
    clock.now += LEASE + timedelta(seconds=1)
    assert sweep(ledger, gallery) == 1
    assert rolled_up(engine) == recounted(engine) != counted
    ledger.settle(opened, told(*end, row=row))
    assert metered(engine) == {place: 2 * amount for place, amount in once.items()} == spent(engine)
    assert rolled_up(engine) == recounted(engine)
    assert [found.outcome for found in rows(engine, attempts)] == [end[0]] * 2


def test_a_picture_that_was_swept_up_counts_once_when_its_process_comes_back(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, tmp_path: Path
) -> None:
    ledger.begin_request("r", "owner", Request("a fox"), 1)
    opened, one, data = start(ledger), told("succeeded", "0.004", "yes"), picture("png")
    gallery.keep(data, made("r", data, one))
    clock.now += LEASE + timedelta(seconds=1)
    assert sweep(ledger, gallery) == 1
    assert list((tmp_path / "pictures" / "unfinished").iterdir()) == []
    for _ in range(2):
        assert [row.outcome for row in rows(engine, attempts)] == ["succeeded"]
        assert metered(engine) == {("budget", DAY): Decimal("0.004")}
        assert rolled_up(engine) == recounted(engine)
        assert shown(ledger)["a", "m"].spent_usd == Decimal("0.004")
        assert [(row.sha256, row.bytes) for row in rows(engine, pictures)] == [
            (digest(data), len(data))
        ]
        ledger.succeed(opened, one, made("r", data, one), len(data))


def test_a_picture_that_is_deleted_while_the_same_is_made_again_is_there_in_the_end(
    ledger: Ledger, engine: Engine, gallery: Gallery, tmp_path: Path
) -> None:
    one, data = told("succeeded", "0.004", "yes"), picture("png")
    book = Book(ledger, gallery)
    succeed = ledger.succeed

    def deleted_just_before(*all_of: Any) -> None:
        gallery.remove(digest(data), "image/png")
        with engine.begin() as connection:
            connection.execute(pictures.delete())
        succeed(*all_of)

    for request in "rs":
        ledger.begin_request(request, "owner", Request("a fox"), 1)
        if request == "s":
            ledger.succeed = deleted_just_before  # type: ignore[method-assign]
        path = book.enter(start(ledger, request=request), one, data, made(request, data, one)).path
    assert path.read_bytes() == data
    assert_settled(engine, tmp_path)


def test_a_lease_that_is_renewed_while_somebody_sweeps_is_left_alone(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.begin_request("r", "owner", Request("a fox"), 1)
    start(ledger)
    clock.now += LEASE + timedelta(seconds=1)
    stale = _found(ledger)
    with engine.begin() as connection:
        for table in (attempts, requests):
            connection.execute(table.update().values(lease_until=clock.now + LEASE))
    monkeypatch.setattr("studio.leases._run_out", lambda _ledger, table, _what: stale[table.name])
    assert sweep(ledger, gallery) == 0
    assert [row.outcome for row in rows(engine, attempts)] == ["started"]
    assert [row.ended_at for row in rows(engine, requests)] == [None]


def _found(ledger: Ledger) -> dict[str, list[Any]]:
    from studio.leases import _run_out

    return {
        "attempts": _run_out(ledger, attempts, attempts.c.outcome == "started"),
        "requests": _run_out(ledger, requests, requests.c.ended_at.is_(None)),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_any_series_of_events_the_sums_are_those_of_the_attempts(
    ledger: Ledger, engine: Engine, clock: Clock, gallery: Gallery, seed: int
) -> None:
    chance = random.Random(seed)
    kinds = [PAID, offer("b", "budget", None, "0.05"), offer("c"),
             offer("d", "allowance", "0", "1", False), offer("e", "allowance", "0.003", "0.003")]  # fmt: skip
    under_way: list[Opened] = []
    for _ in range(150):
        match_ = chance.random()
        if match_ < 0.5:
            under_way.append(start(ledger, chance.choice(kinds), f"r{chance.randrange(9)}"))
        elif match_ < 0.85 and under_way:
            opened = under_way.pop(chance.randrange(len(under_way)))
            outcome, cost, billed = chance.choice(_ENDS)
            ledger.settle(opened, told(outcome, cost, billed, row=opened.row))
        elif match_ < 0.95:
            clock.now += timedelta(seconds=chance.choice([1, 20, 40000]))
        else:
            sweep(ledger, gallery)
    assert rolled_up(engine) == recounted(engine)
    assert metered(engine) == spent(engine)
    assert {row.outcome for row in rows(engine, attempts)} >= {"succeeded", "outcome_unknown"}


def test_what_a_service_says_is_left_wins_less_what_was_metered_since_and_keeps_its_age(
    ledger: Ledger, engine: Engine, clock: Clock
) -> None:
    free = Free(Decimal(20), "images", "day", "stops")
    one = entry("a", "0", free=free)

    def left() -> tuple[Decimal | None, Any]:
        with reading(engine) as connection:
            found = allowance_of(connection, one, one.models[0], "anonymous", clock())
            return found.left, found.as_of

    def make() -> None:
        with reading(engine) as connection:
            found = allowance_of(connection, one, one.models[0], "anonymous", clock())
        assert found.hold
        row = Planned(one, one.models[0], "ready", "free", "anonymous", holds=(found.hold,))
        ledger.settle(start(ledger, row), told("succeeded", row=row))

    make()
    assert left() == (19, None)
    said = clock.now
    ledger.record_quota(one, "anonymous", Quota(Decimal(5), Decimal(20), "images", None, said))
    assert left() == (5, said)
    clock.now += timedelta(hours=1)
    make()
    assert left() == (4, said)
    clock.now += timedelta(days=1)
    assert left() == (20, None)  # of another day
