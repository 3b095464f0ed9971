"""One request for a picture, checked: every door's raw values come through `check_request`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.config import Config, Limits
from studio.loader import traits_of
from studio.words import BadInput

MAX_SEED = 2**32 - 1
KEY_CHARS = 180


@dataclass(frozen=True)
class Request:
    """What was asked, within the limits. None leaves a number to the provider (seed: to chance).

    `provider` is "auto" or an entry; an empty `model` is the provider's own.
    """

    prompt: str
    negative_prompt: str = ""
    provider: str = "auto"
    model: str = ""
    width: int = 1024
    height: int = 1024
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None


def check_request(
    config: Config,
    *,
    prompt: Any,
    provider: Any = "auto",
    model: Any = "",
    negative_prompt: Any = "",
    width: Any = 1024,
    height: Any = 1024,
    seed: Any = -1,
    steps: Any = 0,
    guidance: Any = 0.0,
) -> Request:
    """The request in these raw values; -1 for seed, 0 and "" mean "not given".

    Raises BadInput with one sentence that names the field and the allowed range.
    """
    limits = config.limits
    named, model = _provider_and_model(config, provider, model)
    return Request(
        prompt=_text("prompt", prompt, limits, required=True),
        negative_prompt=_text("negative_prompt", negative_prompt, limits),
        provider=named,
        model=model,
        width=_whole("width", width, limits.min_side, limits.max_side),
        height=_whole("height", height, limits.min_side, limits.max_side),
        seed=_unless(-1, "seed", seed, 0, MAX_SEED),
        steps=_unless(0, "steps", steps, 1, limits.max_steps),
        guidance=_guidance(guidance, limits.max_guidance),
    )


def check_pictures(config: Config, given: Any) -> int:
    """How many pictures of one request: at least one, and as many as the config allows."""
    return _whole("pictures", given, 1, config.limits.max_images)


def check_key(given: str | None) -> str | None:
    """The idempotency key in the value of a header; None where there is none."""
    if not given:
        return None
    if len(given) > KEY_CHARS:
        raise BadInput("too_long", "Idempotency-Key", high=KEY_CHARS, given=len(given))
    if not (given.isascii() and given.isprintable()):
        raise BadInput("not_plain", "Idempotency-Key", high=KEY_CHARS)
    return given


def _text(field: str, given: Any, limits: Limits, required: bool = False) -> str:
    high = limits.prompt_chars
    if not isinstance(given, str):
        raise BadInput("not_text", field, high=high, given=_shown(given))
    if len(given) > high:
        raise BadInput("too_long", field, high=high, given=len(given))
    if "\0" in given or any("\ud800" <= char <= "\udfff" for char in given):
        raise BadInput("not_plain", field, high=high)
    text = given.strip()
    if required and not text:
        raise BadInput("empty", field, high=high)
    return text


def _number(code: str, field: str, given: Any, low: float, high: float) -> float:
    fits = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not fits or not low <= given <= high:  # not-a-number is in no range
        raise BadInput(code, field, low=low, high=_bare(high), given=_shown(given))
    return float(given)


def _whole(field: str, given: Any, low: int, high: int) -> int:
    number = _number("not_whole", field, given, low, high)
    if number != int(number):
        raise BadInput("not_whole", field, low=low, high=high, given=_shown(given))
    return int(given)


def _unless(absent: int, field: str, given: Any, low: int, high: int) -> int | None:
    if given == absent and not isinstance(given, bool):
        return None
    return _whole(field, given, low, high)


def _guidance(given: Any, high: float) -> float | None:
    return _number("not_number", "guidance", given, 0, high) or None


def _provider_and_model(config: Config, provider: Any, model: Any) -> tuple[str, str]:
    """The entry and the model that are meant; `entry/model` may stand in `provider` alone."""
    names = ["auto", *config.providers]
    if not isinstance(provider, str) or not isinstance(model, str):
        field, given = ("model", model) if isinstance(provider, str) else ("provider", provider)
        raise BadInput("not_text", field, high=200, given=_shown(given))
    provider = provider or config.default_provider
    name, _, rest = provider.partition("/")
    if name not in names or (name == "auto" and rest):
        raise BadInput("unknown_name", "provider", given=_shown(provider), known=", ".join(names))
    model = model or rest
    entries = config.providers.values() if name == "auto" else [config.providers[name]]
    known = list(dict.fromkeys(m.id for entry in entries for m in entry.models))
    if model and model not in known:
        for entry in entries:
            if new := traits_of(entry.adapter).retired.get(model):
                raise BadInput("retired", "model", given=_shown(model), new=new)
        raise BadInput("unknown_name", "model", given=_shown(model), known=", ".join(known) or "-")
    return name, model


def _bare(number: float) -> float:
    return int(number) if number == int(number) else number


def _shown(given: Any) -> str:
    """The value as it came, cut short; huge whole numbers are not written out."""
    if isinstance(given, int) and abs(given) > 10**20:
        return "a number that large"
    if isinstance(given, str):
        given = given.encode("utf-8", "replace").decode()
    if not isinstance(given, (str, int, float)):
        return "nothing" if given is None else f"a {type(given).__name__}"
    text = repr(given)
    return text if len(text) <= 40 else text[:39] + "…"
