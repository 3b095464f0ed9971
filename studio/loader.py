"""Finds adapters by name: `adapter: huggingface` in config.yaml is `providers/huggingface.py`."""

from __future__ import annotations

import importlib
import pkgutil

import providers
from providers.base import Entry, Provider, Traits

_NOT_ADAPTERS = {"base", "errors"}


def adapter_names() -> list[str]:
    """The adapters that exist, by their files."""
    names = (module.name for module in pkgutil.iter_modules(providers.__path__))
    return sorted(name for name in names if name not in _NOT_ADAPTERS and name[0] != "_")


def traits_of(adapter: str) -> Traits:
    """What an adapter says of itself. Imports the adapter, never its SDK."""
    module = importlib.import_module(f"providers.{adapter}")
    traits: Traits = getattr(module, "TRAITS", Traits())
    return traits


def create_provider(entry: Entry) -> Provider:
    """The provider of an entry. Nothing is opened and no SDK imported until it is asked."""
    module = importlib.import_module(f"providers.{entry.adapter}")
    provider: Provider = module.create(entry)
    return provider
