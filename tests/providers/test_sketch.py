"""The built-in provider: a prompt can be seen in its picture, and gives the same one again."""

from __future__ import annotations

import asyncio
import functools
import io
from decimal import Decimal
from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from providers import sketch
from providers._header import Header, read_header
from providers._sketch import scene
from providers._sketch.words import WORDS, read_words
from providers.base import Entry, Picture, PictureRequest
from providers.sketch import draw

TEN = [
    "a lighthouse on a cliff at dusk, warm light over a calm sea",
    "a paper fox in falling snow",
    "isometric tea house, morning fog",
    "水墨山水，一叶小舟",
    "neon city street in the rain at night",
    "snowy mountain cabin under the aurora",
    "春天的樱花和远山",
    "沙漠里的骆驼，正午烈日",
    "a robot watering flowers in a sunny garden",
    "a rocket over a purple planet",
]
SEEDS = range(4)


def _image(prompt: str, seed: int = 1, size: int = 256) -> Image.Image:
    return Image.open(io.BytesIO(draw(prompt, size, size, seed))).convert("RGB")


def _least_difference(prompts: list[str]) -> float:
    """The mean difference, of 255, of the two small pictures that are most alike."""
    small = [_image(prompt).resize((64, 64)) for prompt in prompts]
    pairs = (ImageChops.difference(one, other) for one, other in combinations(small, 2))
    return min(sum(ImageStat.Stat(pair).mean) / 3 for pair in pairs)


def _brightness(prompt: str) -> float:
    pictures = [_image(prompt, seed).convert("L") for seed in SEEDS]
    return sum(ImageStat.Stat(picture).mean[0] for picture in pictures) / len(pictures)


def _redness(prompt: str) -> float:
    """How much more red than blue there is."""
    means = [ImageStat.Stat(_image(prompt, seed)).mean for seed in SEEDS]
    return sum(mean[0] - mean[2] for mean in means) / len(means)


@pytest.mark.parametrize("prompt", TEN)
def test_the_same_prompt_size_and_seed_are_the_same_bytes(prompt: str) -> None:
    assert draw(prompt, 160, 120, 7) == draw(prompt, 160, 120, 7)


@pytest.mark.parametrize("prompt", TEN)
def test_another_seed_is_another_picture(prompt: str) -> None:
    assert len({draw(prompt, 96, 96, seed) for seed in (0, 1, 2, -1, 2**63)}) == 5


@pytest.mark.parametrize(
    ("prompt", "with_one_word_changed"),
    [
        ("a boat on a lake at dawn", "a boat on a lake at dusk"),
        ("a house in a forest", "a house in a desert"),
        ("the idea of justice", "the notion of justice"),
        ("一只狐狸在雪中", "一只猫在雪中"),
        ("关于自由的梦想", "关于公平的梦想"),
        ("湖上的小舟，黄昏", "湖上的小舟，黎明"),
        ("🦊", "🐙"),
    ],
)
def test_changing_one_word_changes_the_picture(prompt: str, with_one_word_changed: str) -> None:
    assert draw(prompt, 128, 128, 1) != draw(with_one_word_changed, 128, 128, 1)


def test_ten_prompts_are_ten_different_pictures() -> None:
    assert _least_difference(TEN) > 15


def test_prompts_of_unknown_words_are_clearly_different_pictures() -> None:
    prompts = ["qwerty", "justice", "the theory of everything", "自由", "未知"]
    assert not any(read_words(prompt) for prompt in prompts)
    assert _least_difference(prompts) > 10


@pytest.mark.parametrize(
    "scene", ["a boat on the sea at {}", "a cottage in a meadow at {}", "{} mountains"]
)
def test_dusk_is_darker_than_noon_and_night_is_darker_than_dusk(scene: str) -> None:
    noon, dusk, night = (_brightness(scene.format(hour)) for hour in ("noon", "dusk", "night"))
    assert noon > dusk + 20
    assert dusk > night + 10


def test_the_hour_is_read_in_chinese_too() -> None:
    assert _brightness("正午的大海") > _brightness("黄昏的大海") + 20
    assert _brightness("黄昏的大海") > _brightness("深夜的大海") + 10


@pytest.mark.parametrize(
    ("red", "blue"),
    [
        ("a red house on a hill at noon", "a blue house on a hill at noon"),
        ("红色的大海", "蓝色的大海"),
    ],
)
def test_a_red_prompt_is_redder_than_a_blue_one(red: str, blue: str) -> None:
    assert _redness(red) > _redness(blue) + 40


@pytest.mark.parametrize(
    ("prompt", "traits"),
    [
        ("Lighthouses at DUSK", ["lighthouse", "dusk"]),
        ("a tea-house, a teahouse, a tea house", ["teahouse"]),
        ("山上的灯塔", ["mountain", "lighthouse"]),
        ("一个robot在花园里", ["robot", "garden"]),
        ("机器人", ["robot"]),
        ("category, starting, seamless, foxglove", []),
        ("", []),
    ],
)
def test_words_are_whole_in_english_and_the_longest_in_chinese(
    prompt: str, traits: list[str]
) -> None:
    assert read_words(prompt) == traits


@functools.cache
def _drawn(*traits: str) -> list[bytes]:
    """With these for the words; two prompts, as each leaves the hour and the place to chance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "read_words", lambda prompt: list(traits))
        return [draw(prompt, 64, 64, 0) for prompt in ("qwerty", "justice")]


@pytest.mark.parametrize("trait", WORDS)
def test_every_word_can_be_seen(trait: str) -> None:
    for word in WORDS[trait].split():
        assert trait in read_words(word.replace("_", " ")), word
    assert _drawn(trait, "warm") != _drawn("warm")


@pytest.mark.parametrize("size", [(64, 64), (64, 2048), (2048, 64), (333, 127)])
@pytest.mark.parametrize(
    "prompt", [*TEN[:6], TEN[-1], "stormy ocean with a whale", "a cat by a lake", "qwerty"]
)
def test_the_picture_has_exactly_the_size_asked_for(prompt: str, size: tuple[int, int]) -> None:
    data = draw(prompt, *size, 3)
    assert read_header(data) == Header("image/png", *size)
    with Image.open(io.BytesIO(data)) as image:
        image.load()


async def test_a_picture_comes_through_the_contract_and_costs_nothing() -> None:
    picture = await _generate(PictureRequest("a cat at night", width=200, height=120, seed=5))

    assert (picture.width, picture.height, picture.seed) == (200, 120, 5)
    assert picture.cost_usd == Decimal(0)
    assert picture.notes == ()
    assert read_header(picture.data) == Header(picture.media_type, 200, 120)


async def test_what_was_ignored_is_noted() -> None:
    request = PictureRequest("a cat", "dogs", width=64, height=64, steps=20, guidance=0.0)

    picture = await _generate(request)

    assert picture.notes == (
        "negative prompt ignored by sketch",
        "steps ignored by sketch",
        "guidance ignored by sketch",
    )


async def test_the_check_says_that_it_needs_no_network() -> None:
    check = await sketch.create(Entry(name="sketch", adapter="sketch")).check(key=None)
    assert check.ok
    assert check.reason == "built in, needs no network"


def test_an_entry_need_not_say_anything_of_it() -> None:
    entry = sketch.TRAITS.complete(Entry(name="sketch", adapter="sketch"))

    assert sketch.TRAITS.sample
    assert not sketch.TRAITS.needs_key
    assert entry.usd("sketch") == 0
    assert entry.sends_prompt_to is not None
    assert entry.sends_prompt_to.who == "nowhere"


async def _generate(request: PictureRequest) -> Picture:
    provider = sketch.create(Entry(name="sketch", adapter="sketch"))
    deadline = asyncio.get_running_loop().time() + 60
    try:
        return await provider.generate(
            request, key=None, deadline=deadline, report=lambda progress: None
        )
    finally:
        await provider.aclose()
