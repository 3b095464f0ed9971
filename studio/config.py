"""What config.yaml says, checked. The shapes are documented in the file itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Strict, TypeAdapter, ValidationError

from providers.base import Entry, Free
from studio.complaints import ConfigError, Source, explain, known
from studio.loader import adapter_names, traits_of

__all__ = ["Budget", "Config", "ConfigError", "Limits", "load_config"]

_STRICT = {"extra": "forbid", "allow_inf_nan": False}
_WHOLE = Annotated[int, Strict(), Ge(1)]
_USD = Annotated[Decimal, Ge(0)]
USUAL_ORDER = (
    "huggingface", "comfyui", "automatic1111", "diffusers", "zerogpu", "cogview-flash", "aihorde",
    "cloudflare", "modelscope", "cogview", "stability", "replicate",
)  # fmt: skip
"""The order in which a file without `fallback` asks the entries it has; others come after."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_AS_OF = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True)
class Budget:
    """US dollars that may be spent: on one picture, in a day, and by a visitor in a day."""

    __pydantic_config__ = _STRICT
    usd_per_image: _USD = Decimal("0.05")
    usd_per_day: _USD = Decimal(0)
    usd_per_visitor_day: _USD = Decimal(0)


@dataclass(frozen=True)
class Keep:
    """For how long, and how much of, what was made is kept; None is for ever, or all of it. What is
    starred is never deleted.
    """

    __pydantic_config__ = _STRICT
    days: Annotated[float, Strict(), Gt(0), Le(36_500)] | None = None
    bytes: _WHOLE | None = None


@dataclass(frozen=True)
class Limits:
    """What a request may ask for. Sides are pixels, `picture_bytes` bytes."""

    __pydantic_config__ = _STRICT
    prompt_chars: _WHOLE = 2000
    min_side: _WHOLE = 64
    max_side: _WHOLE = 2048
    max_steps: _WHOLE = 150
    max_guidance: Annotated[float, Gt(0)] = 30.0
    max_images: _WHOLE = 4
    picture_bytes: _WHOLE = 33_554_432
    per_visitor_per_minute: _WHOLE = 20
    per_visitor_in_flight: _WHOLE = 2


@dataclass(frozen=True)
class Config:
    """The whole file. `deadline` is seconds for one request over all its attempts."""

    __pydantic_config__ = _STRICT
    providers: Mapping[str, Entry]
    default_provider: str = "auto"
    fallback: tuple[str, ...] | None = None
    free_first: bool = True
    last_resort: str | None = None
    on_refusal: Literal["stop", "next_free"] = "stop"
    privacy: Literal["anyone", "companies", "local"] = "anyone"
    deadline: Annotated[float, Gt(0)] = 180.0
    store_prompts: Literal["full", "hash", "none"] = "full"
    keep_pictures: Keep = field(default_factory=Keep)
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)

    @property
    def order(self) -> tuple[str, ...]:
        """The entries and offers that Auto may ask, as written."""
        return self.fallback or ()


def load_config(path: Path) -> Config:
    """Read and check `path`. Raises ConfigError: one sentence with file, line and key."""
    source = Source(path)
    data = _with_names(source)
    try:
        config = TypeAdapter(Config).validate_python(data)
    except ValidationError as error:
        raise source.complaint(*explain(error, Config, data)) from error
    _check_entries(source, config)
    entries = {
        name: traits_of(entry.adapter).complete(entry) for name, entry in config.providers.items()
    }
    config = Config(**{**vars(config), "providers": entries, **_defaults(data, entries)})
    _check_names(source, config)
    return config


def _with_names(source: Source) -> dict[str, Any]:
    """The file's data, with each entry told its name."""
    data = source.data
    if not isinstance(data, dict):
        raise source.complaint([], "must be a mapping with the key providers")
    entries = data.get("providers")
    if not isinstance(entries, dict) or not entries:
        raise source.complaint(["providers"], "must be a mapping of at least one provider")
    named = {}
    for name, entry in entries.items():
        where = ["providers", name]
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == "auto":
            raise source.complaint(
                where, "a name is lower-case letters, digits, _ . and -, not auto"
            )
        if not isinstance(entry, dict):
            raise source.complaint(where, "must be a mapping with the key adapter")
        if "name" in entry:
            raise source.complaint([*where, "name"], "unknown key; the name stands above it")
        named[name] = {**entry, "name": name}
    return {**data, "providers": named}


def _defaults(data: Mapping[str, Any], entries: Mapping[str, Entry]) -> dict[str, Any]:
    """The default fallback and last resort, as far as this file has the entries for them."""
    last = data.get("last_resort", "sketch" if "sketch" in entries else None)
    if data.get("fallback") is not None:
        return {"last_resort": last}
    usual = [name for name in USUAL_ORDER if name in entries]
    others = [name for name in entries if name not in usual and name != last]
    return {"last_resort": last, "fallback": (*usual, *others)}


def _check_entries(source: Source, config: Config) -> None:
    adapters = adapter_names()
    pools: dict[str, tuple[str, Free]] = {}
    for name, entry in config.providers.items():
        where = ["providers", name]
        if entry.adapter not in adapters:
            says = f"there is no adapter {entry.adapter!r}; {known(adapters, entry.adapter)}"
            raise source.complaint([*where, "adapter"], says)
        if entry.as_of is not None and not _AS_OF.fullmatch(entry.as_of):
            raise source.complaint([*where, "as_of"], "must be YYYY, YYYY-MM or YYYY-MM-DD")
        ids = [model.id for model in entry.models]
        if len(ids) != len(set(ids)):
            raise source.complaint([*where, "models"], "names a model twice")
        if (free := entry.free) and free.pool:
            first = pools.setdefault(free.pool, (name, free))
            if (free.amount, free.unit, free.per) != (first[1].amount, first[1].unit, first[1].per):
                says = f"shares its pool with {first[0]}, whose amount, unit or per is another"
                raise source.complaint([*where, "free"], says)


def _check_names(source: Source, config: Config) -> None:
    names = list(config.providers)
    for position, name in enumerate(config.order):
        entry, _, model = name.partition("/")
        where: list[str | int] = ["fallback", position]
        if entry not in names:
            raise source.complaint(where, f"there is no entry {entry!r}; {known(names, entry)}")
        if name in config.order[:position]:
            raise source.complaint(where, f"{name} stands here twice")
        models = [known_model.id for known_model in config.providers[entry].models]
        if model and model not in models:
            says = f"{entry} has no model {model!r}; {known(models, model)}"
            raise source.complaint(where, says)
    for key, allowed in (("last_resort", [None, *names]), ("default_provider", ["auto", *names])):
        chosen = getattr(config, key)
        if chosen not in allowed:
            raise source.complaint([key], f"there is no entry {chosen!r}; {known(names, chosen)}")
    if config.limits.min_side > config.limits.max_side:
        raise source.complaint(["limits", "min_side"], "is larger than max_side")
