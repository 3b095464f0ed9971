"""Every word on the page stands in ui/words/, in both languages."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.words import SENTENCES
from tests.running import ROOT
from ui.words import load_words

WORDS = load_words()
FILES = sorted((ROOT / "ui").rglob("*.py"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_with_the_same_gaps() -> None:
    english, chinese = WORDS["en"].table, WORDS["zh-CN"].table
    assert set(english) == set(chinese)
    assert {key for key in english if fields(english[key]) != fields(chinese[key])} == set()


def test_every_sentence_of_the_studio_is_there_word_for_word() -> None:
    english = WORDS["en"].table
    assert {f"said.{code}": text for code, text in SENTENCES.items()} == {
        key: text for key, text in english.items() if key.startswith("said.")
    }


def test_chinese_is_chinese() -> None:
    same = {
        key for key, text in WORDS["zh-CN"].table.items() if not re.search("[\u4e00-\u9fff]", text)
    }
    allowed = (
        "title",
        "language.en",
        "plan.then",
        "plan.budget",
        "shortcut",
        "cost.",
        "costs.none",
    )
    allowed += ("costs.left_of", "costs.left_usd", "costs.free.usd", "costs.free.neurons")
    allowed += ("unit.neurons",)
    assert {key for key in same if not key.startswith(allowed)} == set()


def test_every_key_is_used() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    prefixes = tuple(re.findall(r"f[\"']([a-z_.]+\.)\{", source))
    unused = {
        key
        for key in WORDS["en"].table
        if f'"{key}"' not in source and not key.startswith(prefixes)
    }
    assert unused == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_sentence_stands_in_the_code_of_the_page(path: Path) -> None:
    assert list(sentences(path)) == []


def sentences(path: Path) -> Iterator[str]:
    """Text with two words of letters in a row that is neither documentation nor HTML nor code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed_over = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for statement in body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    passed_over.add(id(statement.value))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("error", "exception"):
            passed_over.update(id(argument) for argument in node.args)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "CHIPS",
            "FONTS",
        ):
            passed_over.update(id(part) for part in ast.walk(node.value))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = re.sub(r"<[^>]*>?|[a-z-]+=\"[^\"]*\"?|\{[^}]*\}", " ", node.value)
        code = "=>" in text or "=" in text or "__" in text or text.startswith(("</", "svg", '"'))
        if (
            id(node) not in passed_over
            and not code
            and re.search("[A-Za-z]{2,} [A-Za-z]{2,}", text)
        ):
            yield node.value
