"""The provider contract: what an adapter is given, what it gives back, and how it fails.

An adapter is a module `providers/<name>.py` with `create(entry) -> Provider` and, where the
defaults do not fit, `TRAITS`. It imports its SDK on first use, never at import time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from providers.errors import (
    Defect,
    Gone,
    NotConfigured,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Refused,
    Spoilt,
    Unavailable,
    Unreachable,
    Unsupported,
)

__all__ = [
    "Check", "Defect", "Entry", "Free", "Gone", "Model", "NotConfigured", "OutcomeUnknown",
    "Picture", "PictureRequest", "Progress", "Provider", "ProviderError", "Quota",
    "QuotaExhausted", "RateLimited", "Refused", "SendsPromptTo", "Spoilt", "Text", "Traits",
    "Unavailable", "Unreachable", "Unsupported",
]  # fmt: skip

Text = str | Mapping[str, str]
"""A text for people: one for all languages, or one for each (`en`, `zh`)."""

_STRICT = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True)
class Model:
    """A model of an entry. `usd` is the list price of one picture; None means unknown."""

    __pydantic_config__ = _STRICT
    id: Annotated[str, MinLen(1)]
    usd: Annotated[Decimal, Ge(0)] | None = None


@dataclass(frozen=True)
class Free:
    """What an account gets for nothing, and what the service does once that is used up.

    `each` is what one picture takes of it, where that is known and neither an image nor its price.
    Entries that name the same `pool` share one allowance of an account.
    """

    __pydantic_config__ = _STRICT
    amount: Annotated[Decimal, Ge(0)]
    unit: Literal["images", "usd", "gpu_seconds", "neurons"]
    per: Literal["minute", "hour", "day", "month", "once"]
    when_spent: Literal["stops", "bills", "unknown"] = "unknown"
    each: Annotated[Decimal, Gt(0)] | None = None
    pool: Annotated[str, MinLen(1), MaxLen(80)] | None = None


@dataclass(frozen=True)
class SendsPromptTo:
    """Who reads the prompt; the privacy switch goes by it."""

    __pydantic_config__ = _STRICT
    who: Literal["company", "volunteers", "nowhere"]
    where: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of config.yaml: a provider as this installation uses it. `name` is its key there.

    `timeout` and `connect_timeout` are seconds, `rating` is 1 to 5 stars, `as_of` a date as text.
    """

    __pydantic_config__ = _STRICT
    name: str
    adapter: str
    label: Text = ""
    key_env: str | None = None
    key_url: str | None = None
    key_steps: Text = ""
    base_url: str | None = None
    base_url_env: str | None = None
    timeout: Annotated[float, Gt(0)] = 90.0
    connect_timeout: Annotated[float, Gt(0)] = 2.0
    options: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[Model, ...] = ()
    ceiling_usd: Annotated[Decimal, Ge(0)] | None = None
    free: Free | None = None
    paid: Text = ""
    note: Text = ""
    rating: Annotated[int, Ge(1), Le(5)] | None = None
    sends_prompt_to: SendsPromptTo | None = None
    source: str | None = None
    as_of: str | None = None
    confidence: Literal["official", "thread", "third-party", "unverified"] | None = None
    verified: str | None = None

    def usd(self, model: str) -> Decimal | None:
        """The list price of one picture of `model`; None means unknown."""
        return next((known.usd for known in self.models if known.id == model), None)

    def lost(self, model: str, reason: str) -> ProviderError:
        """The error for an answer that never came, or broke off, after the request was taken:
        where that costs money, nobody knows what was billed; where it is free, nothing was.
        """
        if self.usd(model) == 0:
            return Unreachable(reason, again=False)
        return OutcomeUnknown(f"{reason}; it may have been billed")


@dataclass(frozen=True)
class Traits:
    """What the plan must know of an adapter before it asks it anything.

    `models` are those of an entry that names none; `sample` marks an adapter whose pictures are
    drawn and not made by a model; `needs_key` and `needs_address` say what must be set, and
    `needs_packages` what must be importable of what requirements.txt does not install, which
    `install` does; `stoppable`
    is false where nothing takes back a job that was sent. `retired`
    names models that are gone and that people still ask for, each with the one that replaced it.
    """

    needs_key: bool = True
    needs_address: bool = False
    needs_packages: tuple[str, ...] = ()
    install: str = ""
    sample: bool = False
    stoppable: bool = True
    models: tuple[Model, ...] = ()
    sends_prompt_to: SendsPromptTo | None = None
    retired: Mapping[str, str] = field(default_factory=dict)

    def complete(self, entry: Entry) -> Entry:
        """`entry`, with what it leaves open taken from the adapter."""
        return replace(
            entry,
            models=entry.models or self.models,
            sends_prompt_to=entry.sends_prompt_to or self.sends_prompt_to,
        )


@dataclass(frozen=True)
class PictureRequest:
    """One picture to make. Sizes are pixels; None leaves a number to the provider."""

    prompt: str
    negative_prompt: str = ""
    width: int = 1024
    height: int = 1024
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    model: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture: the encoded bytes exactly as the vendor sent them, and what is known of it.

    `seed` is None where the vendor takes none; `cost_usd` is None where the cost is unknown.
    `notes` say what this vendor ignored, rounded or changed.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    seed: int | None
    cost_usd: Decimal | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a running job is: `fraction` from 0 to 1, a place in the vendor's queue, or words."""

    fraction: float | None = None
    queue_place: int | None = None
    eta_seconds: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Quota:
    """What the service itself says is left of an allowance, at the instant `as_of` (UTC)."""

    left: Decimal
    limit: Decimal | None
    unit: str
    resets_at: datetime | None
    as_of: datetime


@dataclass(frozen=True)
class Check:
    """The answer to "would you work?", got without making a picture and without cost.

    `answers` is false where nobody did: then nothing is gained by asking at once for a picture.
    """

    ok: bool
    reason: str
    quota: Quota | None = None
    answers: bool = field(default=True, compare=False)

    @classmethod
    def failed(cls, error: ProviderError) -> Check:
        """What an error says of it that was raised on the way."""
        return cls(False, error.reason, answers=not isinstance(error, Unreachable))


class Provider(Protocol):
    """One entry, ready to be asked. It keeps its SDK client and builds it on first use."""

    async def generate(
        self,
        request: PictureRequest,
        *,
        key: str | None,
        deadline: float,
        report: Callable[[Progress], None],
    ) -> Picture:
        """Make one picture before `deadline`, an instant of the running loop's clock.

        Raises a ProviderError. A cancelled call cancels the job at the vendor where that can be.
        """
        ...

    async def check(self, *, key: str | None) -> Check:
        """Reachable? Key good? What is left? Never generates, never costs."""
        ...

    async def aclose(self) -> None:
        """Close what was opened."""
        ...
