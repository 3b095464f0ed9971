"""`/pictures/{sha256}` and the files that `/generate` hands out."""

from __future__ import annotations

import io
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from studio.signing import Signer
from tests.api.conftest import House
from tests.canned import picture


@pytest.fixture(scope="module")
def made(house: House) -> dict[str, Any]:
    return house.generate(prompt="a fox", provider="good")[1]


def link(house: House, sha256: str, **query: str) -> str:
    """The link that the page would show."""
    secret = (house.app.folder / "data" / "secret").read_bytes()
    return house.app.url + Signer(secret, lambda: datetime.now(timezone.utc)).link(sha256, **query)


def test_a_signed_link_gives_the_stored_bytes_to_keep(house: House, made: dict[str, Any]) -> None:
    answer = httpx.get(link(house, made["sha256"]))
    assert answer.content == picture("png", 96, 80)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = httpx.get(
        link(house, made["sha256"]), headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.head(link(house, made["sha256"])).status_code == 200


@pytest.mark.parametrize("entry", ["good", "jpeg", "webp", "sketch"])
def test_a_thumbnail_is_small(house: House, entry: str) -> None:
    sha256 = house.generate(prompt="a fox", provider=entry)[1]["sha256"]
    answer = httpx.get(link(house, sha256, w="32"))
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.width == 32
    assert httpx.get(link(house, sha256, w="9999")).status_code == 400


def test_a_download_is_an_attachment(house: House, made: dict[str, Any]) -> None:
    answer = httpx.get(link(house, made["sha256"], download="1"))
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.content == picture("png", 96, 80)


def test_nobody_reads_a_picture_without_its_link(house: House, made: dict[str, Any]) -> None:
    good = link(house, made["sha256"])
    other = "0" * 64
    for url in (
        good.partition("?")[0],
        good.replace("sign=", "sign=0"),
        good.replace("until=", "until=9"),
        good.replace(made["sha256"], other),
        good.partition("?")[0] + "?until=1&sign=" + "0" * 32,
        house.app.url + "pictures/..%2F..%2Fsecret",
    ):
        assert httpx.get(url).status_code in (403, 404), url
    assert httpx.get(link(house, other)).status_code == 404


def test_a_handed_out_file_is_a_hard_link_in_a_folder_nobody_can_guess(house: House) -> None:
    event = house.post("v2/generate", {"prompt": "a fox", "provider": "good"})
    path = Path(event.partition('"path": "')[2].partition('"')[0])
    cache = house.app.folder / "data" / "gradio" / "handed-out"
    assert path.parent.parent == cache
    assert len(path.parent.name) == 32
    stored = house.app.folder / "data" / "pictures"
    assert os.stat(path).st_ino in {file.stat().st_ino for file in stored.rglob("*.png")}
    url = event.partition('"url": "')[2].partition('"')[0]
    assert httpx.get(url).content == picture("png", 96, 80)
    assert httpx.get(url.rpartition("/")[0]).status_code >= 400


@pytest.mark.parametrize(
    "inside", ["config.yaml", "data/ledger.db", "data/secret", "data/pictures", "app.log"]
)
def test_gradios_file_route_gives_away_nothing_else(house: House, inside: str) -> None:
    path = house.app.folder / inside
    assert path.exists()
    for file in [path, *path.rglob("*.png")]:
        answer = httpx.get(f"{house.app.url}gradio_api/file={file}")
        assert answer.status_code in (403, 404), file
