"""Who is the owner: whoever sits at this machine, and nobody who only says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.config import Config
from studio.studio import Studio
from studio.visitor import Visitor, visitor_of
from tests.studio.fakes import Clock, entry

HERE = {"host": "localhost:7860"}


@pytest.mark.parametrize(
    "host",
    ["localhost:7860", "localhost", "127.0.0.1:7860", "127.0.0.1", "127.8.8.8:1", "[::1]:7860", "[::1]"],
)  # fmt: skip
def test_whoever_names_loopback_at_a_server_on_loopback_is_the_owner(host: str) -> None:
    assert visitor_of({"host": host, "user-agent": "x"}, {}) == Visitor("owner", True)


@pytest.mark.parametrize(
    "host",
    [
        "", "example.org", "example.org:7860", "192.168.1.5:7860", "0.0.0.0:7860", "10.0.0.1",
        "localhost.example.org:7860", "127.0.0.1.example.org", "xlocalhost:1", "[fe80::1]:7860",
        "[::]:7860", "127.0.0.1@example.org", "example.org:127.0.0.1", "1", "2130706433", "[", ":",
    ],
)  # fmt: skip
def test_another_name_for_this_server_makes_a_guest(host: str) -> None:
    assert visitor_of({"host": host}, {}) == Visitor("guest", False)


def test_without_a_host_there_is_a_guest() -> None:
    assert not visitor_of({}, {}).owner


@pytest.mark.parametrize(
    "header",
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
     "x-forwarded-prefix", "x-forwarded-server"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["127.0.0.1", ""])
def test_whatever_was_forwarded_comes_from_a_guest(header: str, value: str) -> None:
    assert not visitor_of({**HERE, header: value}, {}).owner


@pytest.mark.parametrize(
    ("environ", "owner"),
    [
        ({"GRADIO_SERVER_NAME": "127.0.0.1"}, True),
        ({"GRADIO_SERVER_NAME": "localhost"}, True),
        ({"GRADIO_SERVER_NAME": "::1"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, False),
        ({"GRADIO_SERVER_NAME": "::"}, False),
        ({"GRADIO_SERVER_NAME": "192.168.1.5"}, False),
        ({"GRADIO_SERVER_NAME": "my-machine"}, False),
        ({"GRADIO_SERVER_NAME": ""}, False),
        ({"SPACE_ID": "me/space"}, False),
        ({"SPACE_ID": "me/space", "GRADIO_SERVER_NAME": "127.0.0.1"}, False),
        ({"GRADIO_SHARE": "True"}, False),
        ({"GRADIO_SHARE": "1"}, False),
        ({"GRADIO_SHARE": "false"}, True),
        ({"SPACE_ID": "", "GRADIO_SHARE": ""}, True),
    ],
)
def test_a_server_that_others_can_reach_has_only_guests(
    environ: dict[str, str], owner: bool
) -> None:
    assert visitor_of(HERE, environ) == Visitor("owner" if owner else "guest", owner)


def test_the_studio_does_not_mind_how_headers_are_written(tmp_path: Path) -> None:
    studio = Studio(Config({"a": entry("a")}), tmp_path, {}, Clock())
    assert studio.visitor({"Host": "localhost:7860"}).owner
    assert not studio.visitor({"Host": "localhost:7860", "X-Forwarded-For": "1.1.1.1"}).owner
    studio._engine.dispose()
