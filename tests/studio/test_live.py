"""A live round: who is asked, for how much at most, and what is written down."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.base import Free, Model, NotConfigured, OutcomeUnknown
from studio.budget import Budget
from studio.config import Config
from studio.live import LIVE_USD, for_live, live_offers, try_live, write_down
from studio.receipt import Attempt
from tests.running import ROOT
from tests.studio.conftest import OWNER, Bench
from tests.studio.fakes import entry, painted

Build = Callable[..., Bench]
LOST = OutcomeUnknown("no answer; it may have been billed")


def for_this_round(build: Build, *scripts: Any, **config: Any) -> Bench:
    """A bench whose config has been through `for_live`."""
    budget = for_live(Config({}, budget=config.pop("budget", Budget()))).budget
    return build(*scripts, budget=budget, **config)


async def whole_round(bench: Bench) -> tuple[dict[str, str], dict[str, str]]:
    """Reasons of those that were left out beforehand, and the outcomes of the others."""
    offers = await live_offers(bench.studio)
    chosen = [offer for offer in offers if not offer.left_out]
    outcomes = {a.provider: a.outcome async for a in try_live(bench.studio, chosen)}
    return {o.row.entry.name: o.left_out for o in offers if o.left_out}, outcomes


async def test_everyone_who_is_set_up_is_asked_once_the_cheapest_first(build: Build) -> None:
    bench = for_this_round(
        build,
        (entry("cent", "0.01"), painted("0.01")),
        (entry("free"), painted()),
        (entry("unset", adapter="keyed", key_env="NOT_SET"), painted()),
        (entry("sample", adapter="drawn"), painted()),
        (entry("aside", "0.002"), painted("0.002")),
        fallback=("cent", "free", "unset"), last_resort="sample",
    )  # fmt: skip
    left_out, outcomes = await whole_round(bench)
    assert list(outcomes.items()) == [
        ("free", "succeeded"), ("aside", "succeeded"), ("cent", "succeeded"),
    ]  # fmt: skip
    assert left_out == {"unset": "no key: set NOT_SET"}
    calls = {name: fake.calls for name, fake in bench.fake.items()}
    assert {name: len(made) for name, made in calls.items()} == {
        "cent": 1, "free": 1, "unset": 0, "sample": 0, "aside": 1,
    }  # fmt: skip
    assert (calls["cent"][0].request.width, calls["cent"][0].request.height) == (512, 512)
    assert len(bench.rows("attempts")) == len(bench.rows("requests")) == 3
    assert bench.studio.left_today(OWNER) == LIVE_USD - Decimal("0.012")


async def test_nothing_beyond_five_cents_is_even_offered(build: Build) -> None:
    bench = for_this_round(
        build,
        (entry("big", "0.06"), painted("0.06")),
        (entry("a", "0.02"), painted("0.02")),
        (entry("b", "0.02"), painted("0.02")),
        (entry("c", "0.011"), painted("0.011")),
    )
    left_out, outcomes = await whole_round(bench)
    assert list(outcomes) == ["c", "a"]
    assert left_out["b"] == "with its $0.02 the round would pass $0.05"
    assert left_out["big"] == "over budget: it costs $0.06, more than $0.05 a picture"


async def test_an_unknown_price_is_the_ceiling_and_without_one_it_is_left_out(
    build: Build,
) -> None:
    free = Free(Decimal(100), "images", "day", "stops")
    bench = for_this_round(
        build,
        (entry("bounded", None, ceiling_usd=Decimal("0.03")), painted(None)),
        (entry("unbounded", None), painted(None)),
        (entry("granted", None, free=free), painted(None)),
        (entry("other", "0.03"), painted("0.03")),
    )
    left_out, outcomes = await whole_round(bench)
    assert outcomes == {"bounded": "succeeded"}
    unknown = "over budget: its price is unknown and no ceiling is set for it"
    assert left_out == {
        "unbounded": unknown, "granted": unknown,
        "other": "with its $0.03 the round would pass $0.05",
    }  # fmt: skip
    assert bench.studio.left_today(OWNER) == Decimal("0.02")


async def test_an_included_credit_counts_at_its_list_price(build: Build) -> None:
    free = Free(Decimal(1), "usd", "month", "stops")
    bench = for_this_round(
        build,
        (entry("credit", "0.03", free=free), painted("0.03")),
        (entry("paid", "0.04"), painted("0.04")),
    )
    left_out, outcomes = await whole_round(bench)
    assert outcomes == {"credit": "succeeded"}
    assert list(left_out) == ["paid"]


async def test_after_one_that_may_have_been_billed_only_free_ones_are_asked(build: Build) -> None:
    bench = for_this_round(
        build, (entry("lost", "0.01"), LOST), (entry("next", "0.02"), painted("0.02"))
    )
    _, outcomes = await whole_round(bench)
    assert outcomes == {"lost": "outcome_unknown", "next": "skipped"}
    assert bench.asked() == ["lost"]
    assert bench.studio.left_today(OWNER) == LIVE_USD - Decimal("0.01")


async def test_a_dearer_bill_than_the_list_says_is_heeded(build: Build) -> None:
    bench = for_this_round(
        build,
        (entry("sly", "0.01"), painted("0.045")),
        (entry("next", "0.02"), painted("0.02")),
        budget=Budget(usd_per_day=Decimal(1)),  # the day's budget would not mind
    )
    _, outcomes = await whole_round(bench)
    assert outcomes == {"sly": "succeeded", "next": "skipped"}


async def test_one_that_fails_does_not_keep_the_others_from_being_asked(build: Build) -> None:
    bench = for_this_round(
        build,
        (entry("refused", "0.01"), NotConfigured("the key was refused")),
        (entry("next", "0.04"), painted("0.04")),
    )
    _, outcomes = await whole_round(bench)
    assert outcomes == {"refused": "not_configured", "next": "succeeded"}


async def test_the_limits_of_the_config_hold_for_the_picture(build: Build) -> None:
    from studio.config import Limits

    bench = for_this_round(
        build, (entry("a", models=(Model("m", Decimal(0)),)), painted()),
        limits=Limits(max_side=256),
    )  # fmt: skip
    await whole_round(bench)
    assert bench.fake["a"].calls[0].request.width == 256


@pytest.mark.parametrize("day", ["0", "1"])
async def test_five_cents_a_day_beyond_the_budget_is_all_whatever_the_config_says(day: str) -> None:
    own = Budget(Decimal("0.50"), Decimal(day))
    live = for_live(Config({}, budget=own)).budget
    assert (live.usd_per_image, live.usd_per_day) == (LIVE_USD, Decimal(day) + LIVE_USD)
    assert for_live(Config({}, budget=Budget(Decimal("0.01")))).budget.usd_per_image == Decimal(
        "0.01"
    )


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_table_keeps_the_rows_of_others_and_the_rest_of_the_page(
    tmp_path: Path, name: str
) -> None:
    shipped = (ROOT / name).read_text(encoding="utf-8")
    readme = tmp_path / name
    readme.write_text(shipped, encoding="utf-8")
    write_down(readme, Attempt("a", "m", "succeeded", "", 2.34, Decimal("0.003")), "2026-11-24")
    write_down(readme, Attempt("b", "n", "outcome_unknown", "", 9.0, None), "2026-11-25")
    write_down(readme, Attempt("a", "m", "unavailable", "", 1.0, Decimal(0)), "2026-11-26")
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition("<!-- live -->")
    table, _, after = rest.partition("<!-- end of live -->")
    rows = [line for line in table.splitlines() if line]
    assert rows[2:] == [
        "| a | m | unavailable | 1.0 | $0 | 2026-11-26 |",
        "| b | n | outcome_unknown | 9.0 | unknown | 2026-11-25 |",
    ]
    assert len(rows[0].split("|")) == len(rows[1].split("|")) == len(rows[2].split("|"))
    assert shipped.startswith(before)
    assert shipped.endswith(after)
    assert "<!--" not in before + after


@pytest.mark.parametrize("text", ["no marks", "<!-- live -->\n|a|\n|-|\n", "<!-- end of live -->"])
def test_a_readme_without_the_table_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(OSError, match="no table between"):
        write_down(readme, Attempt("a", "m", "succeeded"), "2026-11-24")
    assert readme.read_text() == text
