"""Where keys and addresses come from: the environment, by the names that config.yaml gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from providers.base import Entry


def key_of(entry: Entry, environ: Mapping[str, str]) -> str | None:
    """The key of an entry, or None where it has none."""
    return environ.get(entry.key_env, "").strip() or None if entry.key_env else None


def account_of(key: str | None) -> str:
    """A fingerprint of a key: tells accounts apart and gives nothing away."""
    return hashlib.sha256(b"account " + key.encode()).hexdigest()[:16] if key else "anonymous"


def with_address(entry: Entry, environ: Mapping[str, str]) -> Entry:
    """The entry with the address that the environment gives it, if it gives one."""
    given = environ.get(entry.base_url_env, "").strip() if entry.base_url_env else ""
    return replace(entry, base_url=given or entry.base_url)
