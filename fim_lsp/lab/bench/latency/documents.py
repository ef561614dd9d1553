"""Long files of code no shipped model was trained on, put together from the shipped holes' surroundings."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import cache

from fim_lsp.compare.quality import Hole, read_holes, shipped_holes

LEAST_LINES = 15
TOP = re.compile(r"^(?=(?:@|async def |def |class )\w)", re.MULTILINE)
METHOD = re.compile(r"^(?=    (?:@|async def |def )\w)", re.MULTILINE)
HELD_OUT, ALSO = "held_out", "fitting"  # the router and the confidence were fitted on the second: nobody types there


def parts(keys: Sequence[str]) -> list[str]:
    """Return the text of each part; raises KeyError with a key that no shipped hole has."""
    known = _by_key()
    return [_whole_definitions(known[key]) for key in keys]


def usable() -> Mapping[str, bool]:
    """Return the keys of holes whose surroundings are a part, no two overlapping; True where one may type."""
    found: dict[str, bool] = {}
    taken: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name in (HELD_OUT, ALSO):
        for hole in read_holes(shipped_holes(name)):
            text = hole.prefix + hole.gold + hole.suffix
            first = hole.line - hole.prefix.count("\n")
            last = first + text.count("\n")
            others = taken.setdefault((hole.package, hole.path), [])
            if any(low <= last and first <= high for low, high in others):
                continue
            part = _whole_definitions(hole)
            if part.count("\n") >= LEAST_LINES and _is_python(part):
                others.append((first, last))
                found[hole.key] = name == HELD_OUT
    return found


@cache
def _by_key() -> dict[str, Hole]:
    return {hole.key: hole for name in (HELD_OUT, ALSO) for hole in read_holes(shipped_holes(name))}


def _whole_definitions(hole: Hole) -> str:
    """Return what lies between the first and the last definition around a hole, methods under a class of their own."""
    text = hole.prefix + hole.gold + hole.suffix
    for pattern, head in ((TOP, ""), (METHOD, f"class Part{hole.key}:\n")):
        starts = [found.start() for found in pattern.finditer(text)]
        if len(starts) > 1 and _is_python(body := head + text[starts[0] : starts[-1]]):
            return body.rstrip("\n") + "\n\n\n"
    return ""


def _is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old code's escapes
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True
