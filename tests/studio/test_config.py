"""config.yaml: what may stand in it, and the one sentence for everything that may not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from providers.base import Free, Model
from studio.config import Budget, Config, ConfigError, Keep, Limits, load_config
from studio.costs import in_language
from studio.loader import adapter_names

SHIPPED = Path(__file__).parents[2] / "config.yaml"
OK = "providers:\n  s: {adapter: sketch}\n"
"""Two lines that load; so does every text below before something wrong is added."""

AT_THE_TOP = {  # a line after those two: what is said of it
    "fallbak: [s]": "fallbak: unknown key; did you mean fallback? Known are providers, default_pro",
    "budget: {usd_per_week: 1}": "budget.usd_per_week: unknown key; did you mean usd_per_image? K",
    "limits: {max_sides: 1}": "limits.max_sides: unknown key; did you mean max_side? Known are",
    "fallback: [hugs]": "fallback.0: there is no entry 'hugs'; known are s",
    "fallback: [auto]": "fallback.0: there is no entry 'auto'; known are s",
    "fallback: [s/xl]": "fallback.0: s has no model 'xl'; known are sketch",
    "fallback: [s, s]": "fallback.1: s stands here twice",
    "fallback: s": "fallback: should be a list, not 's'",
    "fallback: [1]": "fallback.0: should be text, not 1",
    "last_resort: t": "last_resort: there is no entry 't'; known are s",
    "default_provider: t": "default_provider: there is no entry 't'; known are s",
    "default_provider:": "default_provider: should be text, not empty",
    "on_refusal: go": "on_refusal: should be 'stop' or 'next_free', not 'go'",
    "privacy: none": "privacy: should be 'anyone', 'companies' or 'local', not 'none'",
    "privacy: " + "x" * 500: "privacy: should be 'anyone', 'companies' or 'local', not 'xxxxxxxxxx",
    "free_first: maybe": "free_first: should be true or false, not 'maybe'",
    "deadline: -1": "deadline: should be greater than 0, not -1",
    "deadline: .inf": "deadline: should be a finite number, not inf",
    "store_prompts: some": "store_prompts: should be 'full', 'hash' or 'none', not 'some'",
    "store_prompts: no": "store_prompts: should be 'full', 'hash' or 'none', not False",
    "store_prompts:": "store_prompts: should be 'full', 'hash' or 'none', not empty",
    "keep_pictures: 5": "keep_pictures: should be a mapping, not 5",
    "keep_pictures: {weeks: 1}": "keep_pictures.weeks: unknown key; known are days, bytes",
    "keep_pictures: {days: 0}": "keep_pictures.days: should be greater than 0, not 0",
    "keep_pictures: {days: 36501}": "keep_pictures.days: should be less than or equal to 36500, not",
    "keep_pictures: {days: .inf}": "keep_pictures.days: should be a finite number, not inf",
    "keep_pictures: {days: yes}": "keep_pictures.days: should be a number, not True",
    "keep_pictures: {days: '7'}": "keep_pictures.days: should be a number, not '7'",
    "keep_pictures: {bytes: 0}": "keep_pictures.bytes: should be greater than or equal to 1, not 0",
    "keep_pictures: {bytes: 5 GB}": "keep_pictures.bytes: should be a whole number, not '5 GB'",
    "keep_pictures: {bytes: 1.5}": "keep_pictures.bytes: should be a whole number, not 1.5",
    "keep_pictures: {bytes: yes}": "keep_pictures.bytes: should be a whole number, not True",
    "budget: {usd_per_day: -1}": "budget.usd_per_day: should be greater than or equal to 0, not -1",
    "budget: {usd_per_day: .nan}": "budget.usd_per_day: should be a finite number, not nan",
    "budget: 5": "budget: should be a mapping, not 5",
    "budget:": "budget: should be a mapping, not empty",
    "limits: {max_steps: 1.5}": "limits.max_steps: should be a whole number, not 1.5",
    "limits: {max_images: 0}": "limits.max_images: should be greater than or equal to 1, not 0",
    "limits: {min_side: 65, max_side: 64}": "limits.min_side: is larger than max_side",
    "1: 2": "not valid YAML: a key must be plain text; put it in quotes",
    "yes: 2": "not valid YAML: a key must be plain text; put it in quotes",
    "? [a]\n: 1": "not valid YAML: a key must be plain text",
    "---\n" + OK: "not valid YAML: but found another document",
    "  s: {adapter: sketch}": "not valid YAML: the key 's' stands here twice",
}
IN_AN_ENTRY = {  # a line in an entry: what is said of it
    "modles: []": "modles: unknown key; did you mean models? Known are adapter, label, key_env, key_u",
    "name: x": "name: unknown key; the name stands above it",
    "free: {amount: 1, unit: usd, per: day, till: x}": "free.till: unknown key; known are amount,",
    "sends_prompt_to: {who: company, at: x}": "sends_prompt_to.at: unknown key; known are who",
    "models: [{id: a, usd: -0.1}]": "models.0.usd: should be greater than or equal to 0, not -0.1",
    "models: [{id: a, usd: .nan}]": "models.0.usd: should be a finite number, not nan",
    "models: [{id: a, usd: .inf}]": "models.0.usd: should be a finite number, not inf",
    "models: [{id: a, usd: cheap}]": "models.0.usd: should be a number, not 'cheap'",
    "models: [{id: a, usd: yes}]": "models.0.usd: should be a number, not True",
    "models: [{usd: 1}]": "models.0.id: is missing",
    "models: [{id: ''}]": "models.0.id: ",
    "models: [a]": "models.0: should be a mapping, not 'a'",
    "models: {id: a}": "models: should be a list",
    "models: [{id: a}, {id: a}]": "models: names a model twice",
    "ceiling_usd: -1": "ceiling_usd: should be greater than or equal to 0, not -1",
    "free: {amount: -1, unit: usd, per: day}": "free.amount: should be greater than or equal to 0",
    "free: {amount: 1, unit: eur, per: day}": "free.unit: should be 'images', 'usd', 'gpu_seconds'",
    "free: {amount: 1, unit: usd, per: week}": "free.per: should be 'minute', 'hour', 'day', 'mon",
    "free: {amount: 1, unit: usd, per: day, when_spent: x}": "free.when_spent: should be 'stops', ",
    "free: {amount: 1, unit: neurons, per: day, each: 0}": "free.each: should be greater than 0, not",
    "free: {amount: 1, unit: neurons, per: day, each: .nan}": "free.each: should be a finite number",
    "free: {amount: 1, unit: neurons, per: day, each: few}": "free.each: should be a number, not 'few'",
    "free: {amount: 1, unit: usd, per: day, pool: 5}": "free.pool: should be text, not 5",
    "free: {amount: 1, unit: usd, per: day, pool: ''}": "free.pool: string should have at least 1",
    "free: {unit: usd, per: day}": "free.amount: is missing",
    "sends_prompt_to: {who: me}": "sends_prompt_to.who: should be 'company', 'volunteers' or 'now",
    "timeout: 0": "timeout: should be greater than 0, not 0",
    "timeout: long": "timeout: should be a number, not 'long'",
    "connect_timeout: -2": "connect_timeout: should be greater than 0, not -2",
    "rating: 0": "rating: should be greater than or equal to 1, not 0",
    "rating: 6": "rating: should be less than or equal to 5, not 6",
    "rating: 2.5": "rating: should be a whole number, not 2.5",
    "key_env: 1": "key_env: should be text, not 1",
    "base_url: {en: x}": "base_url: should be text",
    "label: [a]": "label: should be text",
    "label: {en: 3}": "label: should be text",
    "options: [a]": "options: should be a mapping",
    "as_of: 2026": "as_of: should be text, not 2026",
    "as_of: '22.8.2026'": "as_of: must be YYYY, YYYY-MM or YYYY-MM-DD",
    "as_of: '2026-13'": "as_of: must be YYYY, YYYY-MM or YYYY-MM-DD",
    "confidence: sure": "confidence: should be 'official', 'thread', 'third-party' or 'unverified'",
}
FROM_THE_START = {  # a whole file: the line and what is said of it
    "providers:\n  s:\n    models: [{id: a}]\n    adapter: sketsh": "4: providers.s.adapter: there is"
    " no adapter 'sketsh'; did you mean sketch? Known are ",
    "providers:\n  s: {adapter: base}": "2: providers.s.adapter: there is no adapter 'base'; known a",
    "providers:\n  s: {adapter: _answer}": "2: providers.s.adapter: there is no adapter '_answer'",
    "providers:\n  s: {adapter: ../app}": "2: providers.s.adapter: there is no adapter '../app'",
    "providers:\n\n  s: {rating: 3}": "3: providers.s.adapter: is missing",
    "providers:\n  s: {adapter: }": "2: providers.s.adapter: should be text, not empty",
    OK + "fallback:\n  - s\n  - t": "5: fallback.1: there is no entry 't'",
    OK + "  t:\n    adapter: sketch\n    models:\n      - id: a\n      - id: b\n        us: 1":
        "8: providers.t.models.1.us: unknown key; did you mean usd? Known are id, usd",
    OK + "  a: {adapter: sketch, free: &f {amount: 1, unit: usd, per: day, pool: p}}\n"
        "  b: {adapter: sketch, free: *f}\n  c:\n    adapter: sketch\n    free:\n"
        "      {<<: *f, per: month}": "7: providers.c.free: shares its pool with a, whose",
    "providers:\n  auto: {adapter: sketch}": "2: providers.auto: a name is lower-case letters, dig",
    "providers:\n  Sketch: {adapter: sketch}": "2: providers.Sketch: a name is lower-case letters",
    "providers:\n  a/b: {adapter: sketch}": "2: providers.a/b: a name is lower-case letters",
    'providers:\n  "a\\nb": {adapter: sketch}': "2: providers.a b: a name is lower-case letters",
    "\nproviders:\n  no: {adapter: sketch}": "3: not valid YAML: a key must be plain text",
    "providers:\n  s:": "2: providers.s: must be a mapping with the key adapter",
    "providers:\n  s: sketch": "2: providers.s: must be a mapping with the key adapter",
    "free_first: true": "1: providers: must be a mapping of at least one provider",
    "free_first: true\nproviders: {}": "2: providers: must be a mapping of at least one provider",
    "providers: [a]": "1: providers: must be a mapping of at least one provider",
    "": "1: must be a mapping with the key providers",
    "- a": "1: must be a mapping with the key providers",
    "hello": "1: must be a mapping with the key providers",
    "providers:\n\ts: {adapter: sketch}": r"2: not valid YAML: found character '\t'",
    "providers: {s: {adapter: sketch}\n": "2: not valid YAML: expected ',' or '}'",
    "deadline: 1\ndeadline: 2\n" + OK: "2: not valid YAML: the key 'deadline' stands here twice",
    "providers: *a": "1: not valid YAML: found undefined alias 'a'",
    "providers: &a\n  s: {adapter: sketch}\nlimits: *a": "2: limits.s: unknown key",
    "providers:\n  s: &a\n    adapter: sketch\n    free: *a": "4: providers.s.free.amount: is",
    "providers: !!python/object/apply:os.getcwd []": "1: not valid YAML: could not determine a con",
    "providers: {s: {adapter: !!python/name:os.system }}": "1: not valid YAML: could not determine",
}  # fmt: skip
WRONG = {
    **{OK + line: f"3: {says}" for line, says in AT_THE_TOP.items()},
    **{
        f"providers:\n  s:\n    adapter: sketch\n    {line}":
            f"4: providers.s.{says}"
        for line, says in IN_AN_ENTRY.items()
    },
    **FROM_THE_START,
}  # fmt: skip


def load(folder: Path, text: str) -> Config:
    file = folder / "freebrush.yaml"
    file.write_text(text, "utf-8")
    return load_config(file)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_config_is_told_in_one_line_with_file_line_and_key(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    sentence = str(caught.value)
    assert sentence.startswith(f"{tmp_path / 'freebrush.yaml'}, line {WRONG[text]}")
    assert "\n" not in sentence
    assert len(sentence) < 500


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"providers:\n  s: {adapter: \xff}", "is not UTF-8 text"),
        (b"providers:\n  s: {adapter: \x07}", "not valid YAML: unacceptable character"),
        (b"deadline: " + b"9" * 5000, "not valid YAML: Exceeds the limit"),
        (b"providers: " + b"[" * 1500, "not valid YAML: nested too deep"),
        (None, "cannot be read: No such file"),
    ],
    ids=["not UTF-8", "control character", "5000 digits", "nested too deep", "missing"],
)
def test_a_file_that_cannot_be_understood_is_told_in_one_line(
    tmp_path: Path, data: bytes | None, says: str
) -> None:
    file = tmp_path / "freebrush.yaml"
    if data:
        file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: {says}")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_only_adapter_is_required_and_everything_else_has_a_default(tmp_path: Path) -> None:
    config = load(tmp_path, OK)
    assert vars(config) == vars(Config(config.providers, fallback=("s",), last_resort=None))
    assert (config.default_provider, config.free_first, config.on_refusal) == ("auto", True, "stop")
    assert (config.privacy, config.deadline) == ("anyone", 180)
    assert list(vars(config.budget).values()) == [Decimal("0.05"), 0, 0]
    assert list(vars(config.limits).values()) == [2000, 64, 2048, 150, 30, 4, 33554432, 20, 2]
    entry = config.providers["s"]
    assert (entry.name, entry.timeout, entry.connect_timeout) == ("s", 90, 2)
    assert entry.models == (Model("sketch", Decimal(0)),)  # the adapter's own
    assert entry.sends_prompt_to


def test_mappings_merge_key_by_key_and_prices_are_exact(tmp_path: Path) -> None:
    text = "providers: {s: {adapter: sketch, models: [{id: a, usd: 0.003}, {id: b}]}}\n"
    config = load(tmp_path, text + "budget: {usd_per_day: 1}\nlimits: {max_steps: 9}")
    assert config.budget == Budget(usd_per_day=Decimal(1))
    assert config.limits == Limits(max_steps=9)
    assert [model.usd for model in config.providers["s"].models] == [Decimal("0.003"), None]


def test_what_is_kept_and_what_a_picture_takes_is_as_it_is_written(tmp_path: Path) -> None:
    text = """
store_prompts: hash
keep_pictures: {days: 7.5, bytes: 5000000000}
providers:
  a: {adapter: sketch, free: &f {amount: 10000, unit: neurons, per: day, each: 96.5, pool: one}}
  b: {adapter: sketch, free: *f}
"""
    config = load(tmp_path, text)
    assert (config.store_prompts, config.keep_pictures) == ("hash", Keep(7.5, 5_000_000_000))
    free = Free(Decimal(10_000), "neurons", "day", each=Decimal("96.5"), pool="one")
    assert [entry.free for entry in config.providers.values()] == [free, free]
    plain = load(tmp_path, OK)
    assert (plain.store_prompts, plain.keep_pictures) == ("full", Keep(None, None))


@pytest.mark.parametrize(
    ("written", "english", "chinese"),
    [("Me", "Me", "Me"), ("{en: Me, zh: 我}", "Me", "我"), ("{zh: 我}", "我", "我")],
)
def test_a_label_is_a_text_or_one_for_each_language(
    tmp_path: Path, written: str, english: str, chinese: str
) -> None:
    label = load(tmp_path, f"providers: {{s: {{adapter: sketch, label: {written}}}}}")
    (entry,) = label.providers.values()
    assert (in_language(entry.label), in_language(entry.label, "zh")) == (english, chinese)


def test_a_date_is_text_and_entries_may_share_keys(tmp_path: Path) -> None:
    text = "providers:\n  a: &a {adapter: sketch, as_of: 2026-08-22}\n  b: {<<: *a, as_of: '2026'}"
    entries = load(tmp_path, text).providers.values()
    assert [(e.name, e.adapter, e.as_of) for e in entries] == [
        ("a", "sketch", "2026-08-22"), ("b", "sketch", "2026"),
    ]  # fmt: skip


def test_without_fallback_the_usual_order_holds_and_others_come_after(tmp_path: Path) -> None:
    names = ["zebra", "replicate", "sketch", "cogview", "comfyui", "automatic1111", "huggingface"]
    text = "providers:\n" + "".join(f"  {name}: {{adapter: sketch}}\n" for name in names)
    usual = ("huggingface", "comfyui", "automatic1111", "cogview", "replicate", "zebra")
    assert (load(tmp_path, text).order, load(tmp_path, text).last_resort) == (usual, "sketch")
    without = load(tmp_path, text + "last_resort: null")
    assert (without.order, without.last_resort) == ((*usual, "sketch"), None)
    assert load(tmp_path, text + "fallback: [cogview, zebra]").order == ("cogview", "zebra")
    assert load(tmp_path, text + "fallback: []").order == ()


def test_the_config_that_comes_with_it_holds_what_it_promises() -> None:
    config = load_config(SHIPPED)
    assert {entry.adapter for entry in config.providers.values()} <= set(adapter_names())
    assert (config.budget, config.limits) == (Budget(), Limits())
    assert (config.store_prompts, config.keep_pictures) == ("full", Keep())
    assert (config.order[0], config.last_resort) == ("huggingface", "sketch")


def test_as_many_pictures_of_cloudflare_are_counted_as_can_never_be_billed() -> None:
    free = load_config(SHIPPED).providers["cloudflare"].free
    assert free
    assert free.each
    tiles, steps = 4, 8  # 1024×1024, and the most steps that it takes
    assert free.each == Decimal("4.80") * tiles + Decimal("9.60") * steps
    assert free.amount // free.each == 104


def test_every_price_and_allowance_in_it_says_where_it_comes_from_and_when() -> None:
    entries = load_config(SHIPPED).providers.values()
    numbered = [
        e for e in entries if e.free or e.ceiling_usd or e.paid or any(m.usd for m in e.models)
    ]
    assert "huggingface" in [entry.name for entry in numbered]
    for entry in numbered:
        assert (entry.source or "").startswith("https://"), entry.name
        assert entry.as_of, entry.name
        assert entry.confidence, entry.name
