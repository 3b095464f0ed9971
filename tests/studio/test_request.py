"""A request is checked field by field, the same in every door, before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Model
from studio.config import Config, Limits
from studio.request import MAX_SEED, Request, check_request
from studio.words import BadInput
from tests.studio.fakes import entry

TWO = (Model("m"), Model("org/big"))
CONFIG = Config({"a": entry("a", models=TWO), "b": entry("b", models=(Model("n"),))})
WHOLE = "must be a whole number from"
NOBODY: list[Any] = [True, False, None, "1024", "", [], {}, b"1", Decimal(64), 1j]
NO_NUMBER: list[Any] = [
    float("nan"), float("inf"), float("-inf"), 2**64, 10**400, -(10**400), 1e308, *NOBODY,
]  # fmt: skip


def check(**raw: Any) -> Request:
    return check_request(CONFIG, **{"prompt": "a fox"} | raw)


@pytest.mark.parametrize(
    ("field", "values", "says"),
    [
        ("width", [63, 2049, 0, -1, 64.5, *NO_NUMBER], f"{WHOLE} 64 to 2048"),
        ("height", [63, 2049, 0, -1, 2047.999, *NO_NUMBER], f"{WHOLE} 64 to 2048"),
        ("seed", [-2, 2**32, 0.5, *NO_NUMBER], f"{WHOLE} 0 to 4294967295"),
        ("steps", [-1, 151, 0.5, 1.5, *NO_NUMBER], f"{WHOLE} 1 to 150"),
        ("guidance", [-0.1, 30.1, -1, *NO_NUMBER], "must be a number from 0 to 30"),
        ("prompt", [1, None, b"x", ["x"], True, float("nan")], "must be text of at most 2000"),
        ("prompt", ["x" * 2001, " " * 2001], "must be at most 2000 characters long, not 2001"),
        ("prompt", ["", " ", "\n\t\u3000"], "must not be empty; write up to 2000 characters"),
        ("prompt", ["a\0b", "\ud800", "fox \udfff"], "must be plain text of at most 2000"),
        ("negative_prompt", [1, None, False], "must be text of at most 2000"),
        ("negative_prompt", ["x" * 2001], "must be at most 2000 characters long, not 2001"),
        ("negative_prompt", ["\0", "\udc00"], "must be plain text of at most 2000"),
        ("provider", ["c", "auto/m", " a", "A", "/", "\ud800"], "is not known; known are auto, a, b"),
        ("provider", [1, None, ["a"]], "must be text"),
        ("model", ["x", "a/m", "\udc00"], "is not known; known are m, org/big, n"),
        ("model", [1, None], "must be text"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_its_field_and_what_is_allowed(
    field: str, values: list[Any], says: str
) -> None:
    for value in values:
        with pytest.raises(BadInput) as caught:
            check(**{field: value})
        sentence = str(caught.value)
        assert caught.value.field == field
        assert sentence.startswith(f"{field} ")
        assert says in sentence, value
        assert len(sentence) < 160
        assert sentence.isprintable()
        sentence.encode()


def test_a_model_of_another_provider_is_refused_with_those_it_has() -> None:
    for raw in ({"provider": "a", "model": "n"}, {"provider": "a/n"}):
        with pytest.raises(BadInput, match=r"^model 'n' is not known; known are m, org/big$"):
            check(**raw)


def test_a_model_that_is_gone_is_answered_with_the_one_that_replaced_it() -> None:
    gone = "stabilityai/stable-diffusion-2-1"
    config = Config({"hf": replace(entry("hf"), adapter="huggingface")})
    sentence = f"^model '{gone}' is no longer served; black-forest-labs/FLUX.1-schnell replaces it$"
    for provider in ("auto", "hf"):
        with pytest.raises(BadInput, match=sentence):
            check_request(config, prompt="a fox", provider=provider, model=gone)
    with pytest.raises(BadInput, match="is not known; known are m, org/big"):
        check(provider="a", model=gone)


@pytest.mark.parametrize(
    "value",
    ["x" * 5000, 10**5000, [10**5000], {"a": "\ud800"}],
    ids=["text", "int", "list", "dict"],
)
def test_a_value_is_shown_cut_short_whatever_it_is(value: Any) -> None:
    for field in ("width", "guidance", "provider", "model"):
        with pytest.raises(BadInput) as caught:
            check(**{field: value})
        assert len(str(caught.value)) < 150
        str(caught.value).encode()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("width", [64, 2048, 1024.0]),
        ("height", [64, 2048, 1024.0]),
        ("seed", [0, MAX_SEED, 7.0]),
        ("steps", [1, 150, 20.0]),
        ("guidance", [0.001, 30, 7.5]),
        ("prompt", ["x", "x" * 2000, "水墨山水", "a\nb", "🦊"]),
    ],
)
def test_the_ends_of_the_range_are_allowed(field: str, values: list[Any]) -> None:
    for value in values:
        assert getattr(check(**{field: value}), field) == value


def test_whole_numbers_come_out_whole() -> None:
    request = check(width=512.0, height=512.0, seed=3.0, steps=4.0)
    assert [type(v) for v in (request.width, request.height, request.seed, request.steps)] == [
        int, int, int, int,
    ]  # fmt: skip


def test_minus_one_zero_and_nothing_mean_not_given() -> None:
    request = check(seed=-1, steps=0, guidance=0, model="", provider="", negative_prompt="")
    assert request == check() == Request("a fox")
    assert check(seed=-1.0, steps=0.0, guidance=0.0) == Request("a fox")
    assert (request.seed, request.steps, request.guidance) == (None, None, None)


def test_a_provider_that_is_not_given_is_the_default_one() -> None:
    config = Config(CONFIG.providers, default_provider="b")
    assert check_request(config, prompt="x", provider="").provider == "b"
    assert check_request(config, prompt="x").provider == "auto"


def test_the_model_may_stand_behind_the_provider() -> None:
    assert check(provider="a/org/big") == check(provider="a", model="org/big")
    assert check(provider="auto", model="n").model == "n"


def test_space_around_a_prompt_does_not_count_as_one() -> None:
    assert check(prompt="  a fox\n", negative_prompt=" ").prompt == "a fox"


def test_the_limits_are_those_of_the_config() -> None:
    tight = Limits(prompt_chars=3, min_side=100, max_side=200, max_steps=2, max_guidance=1.5)
    config = Config(CONFIG.providers, limits=tight)
    for raw, says in (
        ({"prompt": "four"}, "at most 3 characters long, not 4"),
        ({"width": 99}, "from 100 to 200, not 99"),
        ({"steps": 3}, "from 1 to 2, not 3"),
        ({"guidance": 2}, "from 0 to 1.5, not 2"),
    ):
        with pytest.raises(BadInput, match=says):
            check_request(config, **{"prompt": "fox", "width": 128, "height": 128} | raw)
