"""Which version of a model to call at Replicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers._replicate_sdk import Sdk
from providers.errors import NotConfigured, Unsupported

LATEST = "latest"


class Versions:
    """What `options.versions` names: an id, or `latest`, which is asked for once and kept."""

    def __init__(self, named: Any) -> None:
        self._named = named or {}
        self._latest: dict[str, str] = {}

    async def of(self, model: str, sdk: Sdk) -> str | None:
        """The version to name; None for an official model. Raises a ProviderError."""
        if not isinstance(self._named, Mapping):
            raise NotConfigured("options.versions must map a model to its version")
        named = self._named.get(model)
        if named != LATEST:
            return str(named) if named else None
        if model not in self._latest:
            found = await sdk.ask(lambda client: client.models.async_get(model))
            latest = found.get("latest_version")
            version = latest.get("id") if isinstance(latest, Mapping) else None
            if not isinstance(version, str):
                raise Unsupported(f"Replicate names no version of {model}")
            self._latest[model] = version
        return self._latest[model]

    def forget(self, model: str) -> None:
        """After a version was not accepted: perhaps there is a newer one by now."""
        self._latest.pop(model, None)
