"""Signed links: good for a while, for one picture, and for nobody who makes them up."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from studio.signing import VALID_FOR, Signer, load_secret
from tests.studio.fakes import Clock

SHA = "ab" * 32


def parts(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def test_a_link_is_good_until_its_time_is_over() -> None:
    clock = Clock()
    signer = Signer(b"secret", clock)
    link = signer.link(SHA, w="256")
    assert urlsplit(link).path == f"pictures/{SHA}"
    query = parts(link)
    assert query.pop("w") == "256"
    assert signer.is_good(SHA, **query)
    clock.now += VALID_FOR
    assert signer.is_good(SHA, **query)
    clock.now += timedelta(seconds=1)
    assert not signer.is_good(SHA, **query)


def test_a_link_that_was_changed_is_not_good() -> None:
    signer = Signer(b"secret", Clock())
    good = parts(signer.link(SHA))
    until, sign = good["until"], good["sign"]
    assert signer.is_good(SHA, until, sign)
    for sha, when, by in [
        ("ba" * 32, until, sign), (SHA.upper(), until, sign), ("", until, sign),
        (SHA, str(int(until) + 1), sign), (SHA, str(int(until) - 1), sign),
        (SHA, until, sign[:-1] + ("0" if sign[-1] != "0" else "1")), (SHA, until, sign[:-1]),
        (SHA, until, sign + "0"), (SHA, until, sign.upper()), (SHA, until, ""),
        (SHA, until, "\ud800"), (SHA, until, "é" * 32), (SHA, until, "0" * 10_000),
    ]:  # fmt: skip
        assert not signer.is_good(sha, when, by)
    assert not Signer(b"other", Clock()).is_good(SHA, until, sign)


@pytest.mark.parametrize(
    "until", ["", "x", "-1", "+1", "1.5", "1e9", " 1", "9" * 13, "9" * 5000, "\ud800", "²", "٣"]
)
@pytest.mark.parametrize("sign", ["", "x", "\ud800", "é" * 32, "0" * 10_000])
def test_junk_is_not_good_and_breaks_nothing(until: str, sign: str) -> None:
    assert not Signer(b"secret", Clock()).is_good(SHA, until, sign)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = load_secret({}, tmp_path)
    assert len(first) == 64
    assert load_secret({"FREEBRUSH_SECRET": ""}, tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert load_secret({}, tmp_path.parent) != first


def test_the_secret_of_the_environment_wins_and_is_written_nowhere(tmp_path: Path) -> None:
    assert load_secret({"FREEBRUSH_SECRET": "mine"}, tmp_path) == b"mine"
    assert list(tmp_path.iterdir()) == []
    kept = load_secret({}, tmp_path)
    assert load_secret({"FREEBRUSH_SECRET": "mine"}, tmp_path) == b"mine" != kept


def test_whoever_starts_at_the_same_time_gets_the_same_secret(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(16) as pool:
            got = set(pool.map(lambda _: load_secret({}, folder), range(16)))  # noqa: B023
        assert [len(secret) for secret in got] == [64]
        assert [path.name for path in folder.iterdir()] == ["secret"]


def test_where_there_are_no_hard_links_a_secret_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    assert load_secret({}, tmp_path) == load_secret({}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_secret_that_was_never_written_to_its_end_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    secret = load_secret({}, tmp_path)
    assert len(secret) == 64
    assert load_secret({}, tmp_path) == secret
