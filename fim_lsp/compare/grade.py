"""Mark what a contender put into a hole, or into all holes of a text, against what the author wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from fim_lsp.compare.quality import Hole, first_line
from fim_lsp.compare.stats import edit_similarity
from fim_lsp.domain import Outcome
from fim_lsp.languages import DEFAULT, SyntaxTree, get, language_of
from fim_lsp.pipeline.multi_hole import fill_holes

WORD = re.compile(r"\w+|[^\w\s]")
BETWEEN = " ⋯ "  # stands for the text between two holes where fills are shown in one line


@dataclass(frozen=True)
class Grade:
    """How good an answer is. A block or a body counts whole: `is_exact` asks for every line of it."""

    shown: str
    is_answered: bool
    is_exact: bool
    is_first_line: bool
    is_valid: bool
    similarity: float  # 1 - Levenshtein distance / longer length; of several holes the mean
    stutter: float  # share of the answer's word pairs that it had already said


def grade(hole: Hole, outcome: Outcome) -> Grade:
    """Mark the best suggestion; no suggestion is an empty one."""
    golds = tuple(map(plain, hole.golds))
    fills = tuple(map(plain, _fills(hole, outcome))) or ("",) * len(golds)
    pairs = list(zip(fills, golds, strict=True))
    return Grade(
        shown=BETWEEN.join(fills),
        is_answered=_is_answered(outcome),
        is_exact=fills == golds,
        is_first_line=all(first_line(fill) == first_line(gold) for fill, gold in pairs),
        is_valid=_is_valid(hole, outcome),
        similarity=sum(edit_similarity(fill, gold) for fill, gold in pairs) / len(pairs),
        stutter=stutter(" ".join(fills)),
    )


def plain(text: str) -> str:
    """Return text without what no reader sees: space around it and at line ends."""
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def stutter(text: str) -> float:
    """Return the share of word pairs that came before in the same text, 0..1 (1 - distinct-2, arXiv 1510.03055)."""
    words = WORD.findall(text)
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def _fills(hole: Hole, outcome: Outcome) -> tuple[str, ...]:
    """Return what accepting would put into each hole."""
    if not _is_answered(outcome):
        return ()
    best = outcome.suggestions[0]
    if hole.further:
        return best.fills
    covered = hole.suffix[: best.replaces]
    return (best.text.removesuffix(covered) if covered else best.text,)


def _is_valid(hole: Hole, outcome: Outcome) -> bool:
    """True when accepting leaves no more faults in the tree than the author's own text did."""
    if not _is_answered(outcome):
        return False
    best = outcome.suggestions[0]
    first, second, *rest = hole.segments
    accepted = fill_holes((first, second[best.replaces :], *rest), best.fills)
    language = get(language_of(hole.path) or DEFAULT)
    author = SyntaxTree.parse(fill_holes(hole.segments, hole.golds), language)
    return SyntaxTree.parse(accepted, language).faults() <= author.faults()


def _is_answered(outcome: Outcome) -> bool:
    """True for a whole suggestion; a mere beginning says what a person may go on from, not what belongs there."""
    return bool(outcome.suggestions) and outcome.suggestions[0].is_whole
