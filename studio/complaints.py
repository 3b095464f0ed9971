"""Turns what is wrong in a config file into one sentence that names file, line and key."""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

Step = str | int


class ConfigError(Exception):
    """The configuration cannot be used; `str()` says why in one sentence."""


_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


class StrictLoader(yaml.SafeLoader):
    """YAML as config files use it: dates stay text, and a key stands only once in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag not in _TEXT_TAGS:
                raise yaml.MarkedYAMLError(problem="a key must be plain text; put it in quotes",
                                           problem_mark=key.start_mark)  # fmt: skip
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands here twice",
                                           problem_mark=key.start_mark)  # fmt: skip
            seen.add(key.value)
        return super().construct_mapping(node, deep)


StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Source:
    """A YAML file that remembers on which line each key stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            self._root = yaml.compose(text, StrictLoader)
            self.data: Any = yaml.load(text, StrictLoader)  # noqa: S506 - a SafeLoader
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: is not UTF-8 text") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise ConfigError(f"{path}, line {line}: not valid YAML: {error.problem}") from error
        except RecursionError as error:
            raise ConfigError(f"{path}: not valid YAML: nested too deep") from error
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error

    def complaint(self, where: Sequence[Step], says: str) -> ConfigError:
        """The sentence for a fault at `where`, the way to it by keys and positions."""
        key = ".".join(str(step) for step in where)
        named = f"{key}: " if key else ""
        sentence = " ".join(f"{named}{says}".split())
        return ConfigError(f"{self.path}, line {self._line(where)}: {sentence}")

    def _line(self, where: Sequence[Step]) -> int:
        node, line = self._root, 1
        for step in where:
            if isinstance(node, yaml.MappingNode):
                found = [(k, v) for k, v in node.value if k.value == str(step)]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
                line = node.start_mark.line + 1
        return line


def known(names: Collection[str], given: object = "") -> str:
    """`known are a, b, c`, with the likely one first where `given` looks like a slip."""
    close = difflib.get_close_matches(str(given), names, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}{'K' if meant else 'k'}nown are {', '.join(names)}"


def explain(error: ValidationError, shape: type[Any], data: Any) -> tuple[list[Step], str]:
    """The first fault that pydantic found in `data`: the way to it, and what is wrong there."""
    fault = error.errors(include_url=False)[0]
    where = list(fault["loc"])
    if fault["type"] == "unexpected_keyword_argument":
        names = [f.name for f in dataclasses.fields(_shape_at(shape, where[:-1]))]
        return where, f"unknown key; {known([n for n in names if n != 'name'], where[-1])}"
    if fault["type"] in ("missing", "missing_argument"):
        return where, "is missing"
    given, says = fault["input"], fault["msg"].removeprefix("Input ")
    for theirs, ours in _YAML_WORDS:
        says = re.sub(theirs, ours, says)
    shown = "" if isinstance(given, (dict, list)) else f", not {_shown(given)}"
    return where[: _written(where, data)], says[0].lower() + says[1:] + shown


_YAML_WORDS = (
    (r"valid dictionary|dictionary or an instance of \w+", "mapping"),
    (r"valid tuple", "list"),
    (r"a valid string", "text"),
    (r"valid integer.*", "whole number"),
    (r"valid (number|boolean|decimal).*", r"\1"),
    (r"Decimal input should be .*", "should be a number"),
    (r"a boolean", "true or false"),
    (r"decimal", "number"),
)


def _shown(given: object) -> str:
    return "empty" if given is None else repr(given)[:60]


def _written(where: Sequence[Step], data: Any) -> int:
    """How many steps of `where` stand in the file: pydantic also names branches of a union."""
    for count, step in enumerate(where):
        try:
            data = data[step]
        except (LookupError, TypeError):
            return count
    return len(where)


def _shape_at(shape: Any, where: Sequence[Step]) -> Any:
    """The dataclass that stands at `where` inside `shape`."""
    steps = iter(where)
    for step in steps:
        hint = typing.get_type_hints(shape)[str(step)]
        shape = next(part for part in _parts(hint) if dataclasses.is_dataclass(part))
        if any(typing.get_origin(part) in (tuple, Mapping) for part in _parts(hint)):
            next(steps, None)  # the key or position of one of several
    return shape


def _parts(hint: Any) -> list[Any]:
    """A type hint and all the hints inside it."""
    return [hint, *(part for inner in typing.get_args(hint) for part in _parts(inner))]
