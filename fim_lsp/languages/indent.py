"""A file's own indentation: what one level of it is, and a text of another kind written in it.

file   ⇥def f():⏎⇥⇥║         said   a = 1⏎········b = 2   →   a = 1⏎⇥⇥b = 2
file   ··if a:⏎····║         said   b:⏎············c      →   b:⏎······c
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from fim_lsp.domain import Snapshot
from fim_lsp.languages.language import Language
from fim_lsp.languages.scan import PAIRS

NEAR_CHARS = 10_000  # looked at on either side of the cursor
WIDEST = 8  # blanks that are one level
TAB = "\t"
USUAL = 4  # blanks a level in what a model says, unless it shows another width
LEAD = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
INDENTED = re.compile(r"^([ \t]*)\S", re.MULTILINE)


def indent_unit(snap: Snapshot) -> str:
    """Return a tab, or as many blanks as lines near the cursor step in by; "" where none is indented."""
    near = snap.text[max(snap.offset - NEAR_CHARS, 0) : snap.offset + NEAR_CHARS]
    leads = [found.group(1) for found in INDENTED.finditer(near)]
    if stands := _standing(snap):
        leads.append(stands)
    tabs = sum(lead.startswith(TAB) for lead in leads)
    blanks = sum(lead.startswith(" ") for lead in leads)
    if tabs > blanks:
        return TAB
    steps = Counter(len(b) - len(a) for a, b in pairwise(leads) if 1 < len(b) - len(a) <= WIDEST)
    if not steps:
        return " " * len(stands) if 1 < len(stands) <= WIDEST and not stands.strip(" ") else ""
    return " " * steps.most_common(1)[0][0]


def in_unit(text: str, unit: str, snap: Snapshot, language: Language) -> str:
    """Write the indents of a text's further lines in the file's unit; what is of it already stays."""
    first, newline, rest = text.partition("\n")
    widths = [len(lead) for lead in LEAD.findall(rest) if not lead.strip(" ")]
    has_tabs = any(TAB in lead for lead in LEAD.findall(rest))
    if not newline or not unit or not (widths or has_tabs):
        return text
    if unit == TAB:
        said = next((size for size in (USUAL, 2) if all(width % size == 0 for width in widths)), 0)
    else:
        said = _said_width(widths, unit, snap, first, language)
    return first + newline + LEAD.sub(lambda found: _in_unit(found.group(), unit, said), rest)


def _in_unit(lead: str, unit: str, said: int) -> str:
    """Return one indent in the file's unit; `said` is how wide a level of blanks is, 0 where that is not known."""
    bare = lead.lstrip(TAB)
    if unit == TAB and (lead.startswith(TAB) or not said):
        return lead
    if TAB in lead:
        return unit * (len(lead) - len(bare)) + bare
    levels, more = divmod(len(lead), said)
    return unit * levels + " " * more


def _said_width(widths: list[int], unit: str, snap: Snapshot, first: str, language: Language) -> int:
    """Return how many blanks a level has in a text for a file of blanks: the file's, or twice or half as many.

    Twice, where the first further line stands deeper than it can; half, where a width is no level of the file's.
    """
    own, stands = len(unit), len(_standing(snap))
    opens = first.rstrip().endswith((*language.openers, *PAIRS.values()))
    deepest = stands + own if opens or not language.openers else stands
    if widths and widths[0] > deepest and own < USUAL and all(width % (2 * own) == 0 for width in widths):
        return 2 * own
    if opens and widths and widths[0] < deepest and own == USUAL and all(width % 2 == 0 for width in widths):
        return 2 if widths[0] == deepest // 2 and any(width % own for width in widths) else own
    return own


def _standing(snap: Snapshot) -> str:
    """Return the indent of the cursor's line."""
    line = snap.line_prefix
    return line[: len(line) - len(line.lstrip(" \t"))]
