"""Record holes for measuring: from the user's own files, or from wheels no model was trained on."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fim_lsp.compare.holes import Cutter, Span, pieces
from fim_lsp.compare.quality import SEVERAL, Hole
from fim_lsp.errors import InputError
from fim_lsp.languages import get, language_of

KINDS = ("identifier", "arguments", "expression", "rest_of_line", "whole_line", "block", "function_body")
PREFIX_CHARS, SUFFIX_CHARS = 3000, 1000
SMALLEST, LARGEST = 400, 200_000  # characters of a file
MOST_CHARS = {"block": 400, "function_body": 400}
MOST_OF_A_FILE = 3  # holes of one kind
SHORT_KINDS = {"identifier": 0.4, "arguments": 0.3, "expression": 0.3}  # what several holes of one text hide
SEVERAL_CHARS, SEVERAL_LINES = 24, 12  # of each of them, and of the text they lie in
SEVERAL_PREFIX_CHARS, SEVERAL_SUFFIX_CHARS = 1200, 600
SKIPPED = frozenset({".venv", "venv", "node_modules", "site-packages", "__pycache__", ".git"})


def read_files(source: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (package, path, text) of a source file, or of those below a folder; raises InputError."""
    if not source.exists():
        raise InputError(f"{source} is not there: give a file or a folder")
    found = [source] if source.is_file() else sorted(p for p in source.rglob("*") if _is_code(p))
    for path in found:
        if SKIPPED.isdisjoint(path.parts[len(source.parts) :]):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if SMALLEST <= len(text) <= LARGEST:
                parts = path.relative_to(source).parts or (path.name,)
                yield parts[0], "/".join(parts[1:]) or parts[0], text


def _is_code(path: Path) -> bool:
    """True for a language that defines things: data and prose hold no code that anyone would complete from here."""
    return bool(get(language_of(path.name)).definitions)


def cut(texts: Iterable[tuple[str, str, str]], per_kind: int, seed: int, kinds: Sequence[str] = KINDS) -> list[Hole]:
    """Cut up to `per_kind` holes of each kind, spread over the texts; the same seed cuts the same ones."""
    rng, given = random.Random(seed), list(texts)
    cutters = [(package, path, Cutter(text, get(language_of(path)))) for package, path, text in given]
    if not cutters:
        raise InputError(f"no source file of {SMALLEST} to {LARGEST} characters: nothing to cut holes into")
    holes: list[Hole] = []
    for kind in kinds:
        found: dict[tuple[int, int], Hole] = {}
        tries = [at for at in range(len(cutters)) for _ in range(MOST_OF_A_FILE)]
        rng.shuffle(tries)
        for at in tries:
            package, path, cutter = cutters[at]
            for span in cutter.spans(rng, {kind: 1.0}, most_chars=MOST_CHARS.get(kind, 100)):
                text = cutter.text
                before, gold, after = text[: span.start], text[span.start : span.end], text[span.end :]
                line = before.count("\n") + 1
                hole = Hole(package, path, line, kind, before[-PREFIX_CHARS:], after[:SUFFIX_CHARS], gold)
                found[at, span.start] = hole
            if len(found) == per_kind:
                break
        holes.extend(found.values())
    if not holes:
        raise InputError("no hole could be cut: the files hold too little code")
    return holes


def cut_several(texts: Iterable[tuple[str, str, str]], count: int, seed: int) -> list[Hole]:
    """Cut up to `count` texts with two or three short holes near each other, at most one text a file."""
    rng, given = random.Random(seed), list(texts)
    rng.shuffle(given)
    holes: list[Hole] = []
    for package, path, text in given:
        if len(holes) == count:
            break
        lines = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
        first = rng.randrange(max(1, len(lines) - SEVERAL_LINES))
        window = lines[first], lines[min(first + SEVERAL_LINES, len(lines) - 1)]
        number = rng.choice((2, 3))
        spans = Cutter(text, get(language_of(path))).spans(rng, SHORT_KINDS, number, window, SEVERAL_CHARS)
        if len(spans) == number:
            holes.append(_of_several(package, path, text, spans))
    return holes


def _of_several(package: str, path: str, text: str, spans: Sequence[Span]) -> Hole:
    low = max(0, spans[0].start - SEVERAL_PREFIX_CHARS)
    prefix, gold, suffix, *rest = pieces(text, spans, (low, min(len(text), spans[-1].end + SEVERAL_SUFFIX_CHARS)))
    line = text.count("\n", 0, spans[0].start) + 1
    further = tuple(zip(rest[::2], rest[1::2], strict=True))
    return Hole(package, path, line, SEVERAL, prefix, suffix, gold, further=further)


def write(path: Path, holes: Iterable[Hole], bare: Callable[[Hole], str] | None = None) -> None:
    """Write holes as JSON lines, with what `bare` says of each if given; raises InputError."""
    rows = []
    for hole in holes:
        row = {name: value for name, value in asdict(hole).items() if value is not None and value != ()}
        rows.append(json.dumps(row | ({"raw": bare(hole)} if bare else {}), ensure_ascii=False))
    try:
        data = ("\n".join(rows) + "\n").encode()
        path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from None
