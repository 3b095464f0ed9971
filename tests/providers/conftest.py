from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.zerogpu import rig as zerogpu


@pytest.fixture(scope="session")
def space() -> Iterator[str]:
    """The address of a real Space."""
    with zerogpu.real_space() as url:
        yield url
