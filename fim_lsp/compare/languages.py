"""How the same decoder does in each language: first-line match, and that of rests of lines beside Python's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from fim_lsp import languages
from fim_lsp.compare import stats
from fim_lsp.compare.quality import Hole, Score, read_holes, shipped_holes
from fim_lsp.errors import InputError

FIRST = languages.DEFAULT  # its holes are those that all else is measured on
REST = "rest_of_line"


def measured() -> tuple[str, ...]:
    """List the languages that holes ship for."""
    there = {entry.name.partition(".")[0] for entry in (files("fim_lsp.compare") / "data" / "languages").iterdir()}
    return (FIRST, *(name for name in languages.LANGUAGES if name in there))


def holes_of(language: str) -> list[Hole]:
    """Read the holes of a language; raises InputError."""
    if language not in measured():
        raise InputError(f"no holes of {language}: there are those of {', '.join(measured())}")
    return read_holes(None if language == FIRST else shipped_holes(language))


def summarise(scores: Mapping[str, Sequence[Score]], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return for each language: first-line match, that of rests of lines, the latter's share of Python's."""
    rests = {
        language: _matches(score for score in some if score.hole.kind == REST) for language, some in scores.items()
    }
    first = rests.get(FIRST, [])
    rows: dict[str, dict[str, Any]] = {}
    for language, some in scores.items():
        rest = rests[language]
        is_known = bool(rest) and any(first)
        rows[language] = {
            "n": len(some),
            **stats.percent("first_line_match", _matches(some), seed),
            "rest_n": len(rest),
            **stats.percent("rest_first_line_match", rest, seed),
            "of_first": round(sum(rest) / len(rest) / (sum(first) / len(first)), 2) if is_known else None,
            "of_first_interval": stats.ratio_interval(first, rest, seed) if is_known and rest is not first else None,
        }
    return rows


def _matches(scores: Iterable[Score]) -> list[float]:
    return [float(score.is_first_line_match) for score in scores]
