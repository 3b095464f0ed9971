"""What an HTTP answer that is no picture means."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from providers._answer import LONGEST, address, failure, has_code, retry_at, said, words


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, "unavailable"),
        (400, "unsupported"),
        (401, "not_configured"),
        (402, "quota_exhausted"),
        (403, "not_configured"),
        (404, "unsupported"),
        (408, "unavailable"),
        (410, "unsupported"),
        (413, "unsupported"),
        (422, "unsupported"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (529, "unavailable"),
    ],
)
def test_a_status_means_what_the_router_does_next(status: int, outcome: str) -> None:
    assert failure(status, {}, "").outcome == outcome


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "1.5"}, 1),
        ({"ratelimit": '"api";r=0;t=55'}, 55),
        ({"retry-after": "5", "ratelimit": '"api";r=0;t=55'}, 5),
    ],
)
def test_the_time_to_come_again_is_read_in_seconds(headers: dict[str, str], seconds: int) -> None:
    found = retry_at(headers)
    assert found
    assert abs(found - datetime.now(timezone.utc) - timedelta(seconds=seconds)).seconds < 5


def test_the_time_to_come_again_may_be_a_date() -> None:
    expected = datetime(2026, 10, 21, 7, 28, tzinfo=timezone.utc)
    for zone in ("GMT", "-0000"):
        assert retry_at({"retry-after": f"Wed, 21 Oct 2026 07:28:00 {zone}"}) == expected


@pytest.mark.parametrize("value", ["", "soon", "-5", "9" * 40, "nan", "Wed, 99 Oct 2026 07:28:00"])
def test_a_time_that_is_none_is_not_known(value: str) -> None:
    assert retry_at({"retry-after": value}) is None


def test_words_are_short_and_on_one_line_without_tags() -> None:
    page = "<html><style>p {}</style>\n<h1>Bad\n\tGateway</h1><script>x<1</script> a < b"
    assert words(page) == "Bad Gateway a < b"
    assert len(words("word " * 100)) <= LONGEST


@pytest.mark.parametrize(
    "text",
    ["u:p%ss/w", "Basic dTpwJXNzL3c=", "p%ss/w", "http://u:p%25ss%2Fw@host", "u:<i>p%ss/w</i>"],
)
def test_no_secret_is_in_the_words_however_it_is_written(text: str) -> None:
    shown = words(text, "u:p%ss/w", None)
    assert "[hidden]" in shown
    assert not any(secret in shown for secret in ("p%ss/w", "dTpw", "p%25ss"))


def test_a_secret_is_hidden_before_the_words_are_cut() -> None:
    assert "hf_sec" not in words("x" * (LONGEST - 8) + " hf_secret", "hf_secret")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"message": "no", "code": 7}}', "no"),
        (b'{"error": ["no", "nor"]}', "no; nor"),
        (b'{"errors": [{"message": "no"}]}', "no"),
        (b'{"detail": [{"loc": ["body", "n"], "msg": "no"}]}', "body.n: no"),
        (b'{"error": "Kind", "detail": "", "errors": "no"}', "no"),
        (b'"no"', "no"),
        (b"no", "no"),
        (b"\xff no", "\ufffd no"),
        (b"7", ""),
        (b"", ""),
    ],
)
def test_the_words_are_found_wherever_a_vendor_puts_them(body: bytes, text: str) -> None:
    assert said(body) == text


def test_a_code_is_found_however_deep_and_is_not_taken_from_prose() -> None:
    codes = {"content_policy_violation"}
    assert has_code(b'{"detail": [{"type": "content_policy_violation"}]}', codes)
    assert not has_code(b'{"detail": "content_policy_violation"}', codes)
    assert not has_code(b"content_policy_violation", codes)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@host:7860/x?key=1", "host:7860"),
        ("https://host", "host"),
        ("http://host:port", "that address"),
        ("host:7860", "that address"),
    ],
)
def test_an_address_is_shown_without_user_and_password(url: str, shown: str) -> None:
    assert address(url) == shown
