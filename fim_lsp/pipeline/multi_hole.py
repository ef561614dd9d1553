"""Several holes of one text: search the model's fills for the best-scored combination that parses."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

from fim_lsp.domain import Suggestion
from fim_lsp.languages import Language, SyntaxTree

TRIES = 4000  # combinations given to the parser, some 50 µs each
OPTIONS = 60  # fills of one hole


def search(segments: Sequence[str], suggestions: Sequence[Suggestion], language: Language) -> Suggestion | None:
    """Return the likeliest fills with which the text has no syntax error, the likeliest at all if none parses."""
    options = [_options(suggestions, hole) for hole in range(len(segments) - 1)]
    if not suggestions or not all(options):
        return None
    likeliest = None
    for number, picks in enumerate(_best_first(options)):
        scores, fills = zip(*(options[hole][at] for hole, at in enumerate(picks)), strict=True)
        confidence = math.exp(sum(scores) / len(scores))
        suggestion = Suggestion(fills, 0, suggestions[0].finish, confidence, scores)
        if not SyntaxTree.parse(fill_holes(segments, fills), language).has_error:
            return suggestion
        likeliest = likeliest or suggestion
        if number >= TRIES:
            break
    return likeliest


def fill_holes(segments: Sequence[str], fills: Sequence[str]) -> str:
    """Return the text with its holes filled."""
    return segments[0] + "".join(fill + after for fill, after in zip(fills, segments[1:], strict=True))


def _options(suggestions: Sequence[Suggestion], hole: int) -> list[tuple[float, str]]:
    """Return (score, text) of a hole's distinct fills, best first."""
    best: dict[str, float] = {}
    for suggestion in suggestions:
        text = suggestion.fills[hole]
        score = suggestion.scores[hole] if suggestion.scores else sum(suggestion.log_probs)  # the only hole's
        if text.strip():
            best[text] = max(score, best.get(text, -math.inf))
    return sorted(((score, text) for text, score in best.items()), reverse=True)[:OPTIONS]


def _best_first(options: list[list[tuple[float, str]]]) -> Iterator[tuple[int, ...]]:
    """Yield combinations, as one index a hole, in falling order of their summed scores."""
    start = (0,) * len(options)
    heap, seen = [(0.0, start)], {start}
    while heap:
        cost, picks = heapq.heappop(heap)
        yield picks
        for hole, at in enumerate(picks):
            if at + 1 < len(options[hole]):
                following = (*picks[:hole], at + 1, *picks[hole + 1 :])
                if following not in seen:
                    seen.add(following)
                    loss = options[hole][at][0] - options[hole][at + 1][0]
                    heapq.heappush(heap, (cost + loss, following))
