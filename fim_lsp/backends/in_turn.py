"""Several holes, one after another: each is filled after the best fill of those before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from fim_lsp.domain import Cancel, FimRequest, Finish, Suggestion

Options = Callable[[str, str], list[tuple[float, str]]]  # text before and after a hole → (log-probability, fill)s


def fill_in_turn(request: FimRequest, options: Options, cancel: Cancel) -> Iterator[Iterator[Suggestion]]:
    """Yield candidates by rank, each hole's best fills together; which go together is for the parser to say."""
    before, ranked = "", []
    for hole in range(len(request.segments) - 1):
        before += request.segments[hole]
        found = options(before, " ".join(request.segments[hole + 1 :]))
        if not found:
            return
        ranked.append(found)
        before += found[0][1]
    finish: Finish = "cancelled" if cancel.is_set() else "deadline" if request.limits.expired else "stop"
    for rank in range(min(request.limits.candidates, max(map(len, ranked)))):
        scores, fills = zip(*(found[min(rank, len(found) - 1)] for found in ranked), strict=True)
        yield iter([Suggestion(fills, 0, finish, math.exp(sum(scores) / len(scores)), scores)])
