"""What a setting is, and what it may accept: one of some words, a number within bounds, a list, a mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a setting accepts: in words for a person, as JSON Schema for an editor, as a test for us."""

    wanted: str
    schema: Mapping[str, Any]
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Setting:
    """One setting; `key` comes without the section.

    `is_trusted` marks what a foreign folder may not choose, `is_machine` what no folder may, however trusted.
    `former` is what earlier releases called it: still read, with a note.
    """

    key: str
    default: Any
    doc: str
    kind: Kind
    is_trusted: bool = False
    former: str = ""
    is_machine: bool = False


def one_of(*words: str) -> Kind:
    schema = {"type": "string", "enum": list(words)}
    return Kind("one of " + ", ".join(words), schema, lambda value: isinstance(value, str) and value in words)


def whole(low: int, high: int) -> Kind:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(f"a whole number from {low} to {high}", schema, accepts)


def either(*numbers: int) -> Kind:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value in numbers

    return Kind(" or ".join(map(str, numbers)), {"type": "integer", "enum": list(numbers)}, accepts)


def _is_words(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(word, str) and word for word in value)


TEXT = Kind("text", {"type": "string"}, lambda value: isinstance(value, str))
FLAG = Kind("true or false", {"type": "boolean"}, lambda value: isinstance(value, bool))
WORDS = Kind("a list of language names", {"type": "array", "items": {"type": "string", "minLength": 1}}, _is_words)

PATTERNS = Kind("a list of patterns", {"type": "array", "items": {"type": "string", "minLength": 1}}, _is_words)


def words_by_name(what: str, *words: str) -> Kind:
    def accepts(value: Any) -> bool:
        return isinstance(value, Mapping) and all(isinstance(word, str) and word in words for word in value.values())

    schema = {"type": "object", "additionalProperties": {"type": "string", "enum": list(words)}}
    return Kind(f"{what} one of {', '.join(words)}", schema, accepts)
