"""Values out of a model's JSON, each checked as it is read: who asks for a number gets one, or an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fim_lsp.errors import ModelCorrupt

SHOWN = 60  # characters of a wrong value that a message repeats
LONGEST = 200  # characters of a name, a file's among them


def read_json(path: Path) -> Any:
    """Read a JSON file; raises ModelCorrupt."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ModelCorrupt(f"{path} cannot be read ({problem}): copy the model folder again") from None


class Table:
    """One object of a JSON file; what is absent or null takes its default, and is refused where there is none."""

    def __init__(self, raw: Any, where: str, words: Mapping[str, str] | None = None):
        self.raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        self.where, self.words = where, words or {}
        if not isinstance(raw, Mapping):
            raise ModelCorrupt(f"{where} is {_shown(raw)}, not a JSON object: copy the model folder again")

    @property
    def given(self) -> dict[str, Any]:
        """Return what is there and not null."""
        return {name: value for name, value in self.raw.items() if value is not None}

    def own(self, name: str) -> str:
        """Return which word this object has for a field."""
        return self.words.get(name, name)

    def table(self, name: str) -> Table:
        """Return an inner object, an empty one where it is absent."""
        found = self.raw.get(name)
        return Table({} if found is None else found, f"{name} of {self.where}")

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        found = self._take(name, default)
        if isinstance(found, int) and not isinstance(found, bool) and low <= found <= high:
            return found
        raise self.wrong(name, f"a whole number from {low} to {high}")

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """Return a number from `low` to `high`, which NaN is not."""
        found = self._take(name, default)
        if isinstance(found, int | float) and not isinstance(found, bool) and low <= found <= high:
            return found
        raise self.wrong(name, f"a number from {low:g} to {high:g}")

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        found = self._take(name, default)
        if isinstance(found, bool):
            return found
        raise self.wrong(name, "true or false")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a name: short, and with a UTF-8 form."""
        found = self._take(name, default)
        if isinstance(found, str) and len(found) <= LONGEST and not any(map(_is_unwritable, found)):
            return found
        raise self.wrong(name, f"text of at most {LONGEST} characters")

    def one_of(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return one of some words."""
        found = self._take(name, default)
        if isinstance(found, str) and found in choices:
            return found
        raise self.wrong(name, f"one of {', '.join(choices)}")

    def wholes(self, name: str, low: int, high: int, default: Sequence[int]) -> tuple[int, ...]:
        """Return a list of whole numbers, at least one; a lone number is a list of one."""
        found = self.raw.get(name)
        if found is None:
            return tuple(default)
        found = found if isinstance(found, list) else [found]
        if found and all(isinstance(n, int) and not isinstance(n, bool) and low <= n <= high for n in found):
            return tuple(found)
        raise self.wrong(name, f"whole numbers from {low} to {high}")

    def numbers(self, name: str, most: float) -> dict[str, float]:
        """Return an object of finite numbers, none further from zero than `most`."""
        inner = self.table(name)
        return {key: inner.number(key, -most, most) for key in inner.raw}

    def wrong(self, name: str, wanted: str) -> ModelCorrupt:
        """Say what a field holds and what it should hold."""
        return ModelCorrupt(
            f"{self.where}: {self.own(name)} is {_shown(self.raw.get(self.own(name)))}, not {wanted}: "
            "correct it or copy the folder again"
        )

    def _take(self, name: str, default: Any) -> Any:
        found = self.raw.get(self.own(name))
        if found is None and default is None:
            raise ModelCorrupt(f"{self.where} lacks {self.own(name)!r}: copy the model folder again")
        return default if found is None else found


def measured(folder: Path, name: str) -> Table:
    """Return a table that was fitted into a folder's config.json, an empty one without it; raises ModelCorrupt."""
    path = folder / "config.json"
    return Table(read_json(path) if path.is_file() else {}, str(path)).table(name)


def _is_unwritable(letter: str) -> bool:
    """True for what no file's name and no UTF-8 text may hold: zero, and half of a surrogate pair."""
    return letter == "\0" or "\ud800" <= letter <= "\udfff"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
