"""`/pictures/`: thumbnails of every colour mode, caching, odd links. And Gradio's file route."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from PIL import Image

from studio.signing import VALID_FOR, Signer
from tests.api.conftest import House
from tests.api.test_pictures import link
from tests.doors.conftest import LARGE
from tests.doors.odd_pictures import ODD


@pytest.fixture(scope="module")
def sha256(house: House) -> str:
    return str(house.generate(prompt="a fox", provider="a-png")[1]["sha256"])


def signed_at(house: House, sha256: str, when: datetime) -> str:
    secret = (house.app.folder / "data" / "secret").read_bytes()
    return house.app.url + Signer(secret, lambda: when).link(sha256)


@pytest.mark.parametrize("name", [*LARGE, *ODD])
def test_a_thumbnail_is_256_wide_and_stays_clear_where_the_picture_is(
    house: House, name: str
) -> None:
    entry = name if name in ODD else f"a-{name}"
    data, receipt = house.generate(prompt="a fox", provider=entry)
    assert data == (ODD | LARGE)[name]
    answer = httpx.get(link(house, receipt["sha256"], w="256"))
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.width == 256
        assert image.height == round(256 * receipt["height"] / receipt["width"])
        clear = image.convert("RGBA").getpixel((5, 5))[3] == 0
    assert clear is (name in ODD and name != "cmyk")


def test_each_size_has_an_etag_of_its_own_that_saves_a_second_transfer(
    house: House, sha256: str
) -> None:
    tags = set()
    for query in ({}, {"w": "256"}, {"w": "128"}):
        url = link(house, sha256, **query)
        tag = httpx.get(url).headers["etag"]
        tags.add(tag)
        for known in (tag, f"W/{tag}", f'"other", {tag}'):
            again = httpx.get(url, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert httpx.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    assert len(tags) == 3


def test_a_picture_can_be_asked_for_its_size_and_saved_by_name(house: House, sha256: str) -> None:
    head = httpx.head(link(house, sha256))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(LARGE["png"]))
    saved = httpx.get(link(house, sha256, download="1")).headers["content-disposition"]
    assert saved == f'attachment; filename="freebrush-{sha256[:8]}.png"'
    assert httpx.post(link(house, sha256)).status_code == 405


def test_a_link_is_good_for_its_time_and_its_picture_only(house: House, sha256: str) -> None:
    now = datetime.now(timezone.utc)
    assert httpx.get(signed_at(house, sha256, now)).status_code == 200
    nearly = now - VALID_FOR + timedelta(minutes=1)
    assert httpx.get(signed_at(house, sha256, nearly)).status_code == 200
    over = signed_at(house, sha256, now - VALID_FOR - timedelta(minutes=1))
    assert httpx.get(over).status_code == 403
    later = re.sub(r"until=\d+", f"until={int(now.timestamp()) + 60}", over)
    assert httpx.get(later).status_code == 403
    assert httpx.get(link(house, "0" * 64)).status_code == 404


@pytest.mark.parametrize("w", ["0", "15", "1025", "-1", "1e2", "256.0", "abc", "9" * 400])
def test_a_thumbnail_of_another_size_is_refused_with_the_range(
    house: House, sha256: str, w: str
) -> None:
    answer = httpx.get(link(house, sha256, w=w))
    assert answer.status_code == 400
    assert answer.text == "w must be a whole number from 16 to 1024 (pixels)."


@pytest.mark.parametrize(
    "odd",
    [
        "..", "..%2f..%2fsecret", "%2e%2e/%2e%2e/secret", "%00", "x" * 5000, "%ff%fe", "*",
        "../../secret", "图片",
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_an_odd_name_gives_nothing_and_no_traceback(house: House, odd: str) -> None:
    log = len(house.app.log)
    for query in ("", "?until=99999999999&sign=0", "?until=9&sign=%ff&w=256"):
        answer = httpx.get(f"{house.app.url}pictures/{odd}{query}")
        secret = (house.app.folder / "data" / "secret").read_text()
        assert answer.status_code in (403, 404) or "<html" in answer.text
        assert secret not in answer.text
    assert "Traceback" not in house.app.log[log:]


def test_gradios_file_route_cannot_be_led_out_of_what_was_handed_out(house: House) -> None:
    event = house.post("generate", {"data": ["a fox", "a-jpeg"]})
    url = event.partition('"url": "')[2].partition('"')[0]
    assert httpx.get(url).content == LARGE["jpeg"]
    folder, _, _ = url.rpartition("/")
    route, _, path = url.partition("file=")
    data = house.app.folder / "data"
    for attempt in (
        folder, folder + "/", folder.rpartition("/")[0] + "/", f"{route}file={data / 'gradio'}",
        f"{folder}/../../../secret", f"{folder}/%2e%2e/%2e%2e/%2e%2e/secret",
        f"{folder}/..%2f..%2f..%2fledger.db", f"{route}file=config.yaml", f"{route}file=data/secret",
        f"{route}file=file://{data / 'secret'}", f"{route}file=/{data / 'secret'}",
        f"{route}file={data / 'secret'}%00.png", f"{route}file/{data / 'secret'}",
        f"{route}file=" + path.replace("/handed-out/", "/handed-out/../../pictures/../gradio/"),
    ):  # fmt: skip
        client = httpx.Client()
        answer = client.send(client.build_request("GET", attempt, headers={"accept": "*/*"}))
        assert answer.status_code in (307, 400, 403, 404), attempt
        assert (data / "secret").read_bytes() not in answer.content
