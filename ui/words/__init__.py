"""Every word on the page, in English and Chinese: `en.yaml` and `zh-CN.yaml` hold the same keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from studio.words import Said

LANGUAGES = ("en", "zh-CN")


class Words:
    """The words of one language. `words("key", name=…)` fills a sentence."""

    def __init__(self, language: str, table: dict[str, str]) -> None:
        self.language = language
        self.table = table

    def __call__(self, key: str, **values: Any) -> str:
        return self.table[key].format(**values)

    def say(self, said: Said) -> str:
        """A sentence of the studio's in this language; fields are named as the page names them."""
        values = dict(said.values)
        if "field" in values:
            values["field"] = self.table.get(f"field.{values['field']}", values["field"])
        return self(f"said.{said.code}", **values)


def load_words() -> dict[str, Words]:
    """The words by language."""
    folder = Path(__file__).parent
    return {
        name: Words(name, yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")))
        for name in LANGUAGES
    }
