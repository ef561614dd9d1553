"""The confident prefix of a suggestion that is not sure as a whole.

drafts    self | self. | self.width | self.width * | self.width * 2      what each token adds
sure      92 % |  91 % |       63 % |         40 % |            4 %      that all of it so far is wanted
shown     self.width
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from fim_lsp.domain import Suggestion
from fim_lsp.languages import Language

SURE = 0.4  # as likely as this or likelier, two prefixes in three were right
LEAST_CHARS = 2  # a single character is typed as quickly as accepted
WORD = re.compile(r"[^\W_]")  # without any, a comment's mark or an operator is all there is


class DraftEnd(NamedTuple):
    """Where a draft ended, and the log-probability of all its tokens."""

    chars: int
    total: float


def noting_ends(drafts: Iterator[Suggestion], ends: list[DraftEnd]) -> Generator[Suggestion]:
    """Pass drafts on and note what each of them ends with; closing this closes them."""
    try:
        for draft in drafts:
            ends.append(DraftEnd(len(draft.text), sum(draft.log_probs)))
            yield draft
    finally:
        if isinstance(drafts, Generator):
            drafts.close()


def truncate(suggestion: Suggestion, ends: list[DraftEnd], language: Language) -> Suggestion | None:
    """Return the longest confident prefix that ends where a word does, None when there is hardly any."""
    text = suggestion.text
    for chars, total in reversed(ends):
        if chars < len(text) and total >= math.log(SURE) and not _is_within_word(text, chars, language):
            sure = text[:chars].rstrip()
            if len(sure.strip()) < LEAST_CHARS or not WORD.search(sure):
                return None
            return Suggestion((sure,), finish="unsure", confidence=round(math.exp(total), 4))
    return None


def _is_within_word(text: str, at: int, language: Language) -> bool:
    return at > 0 and all(language.is_word(char) for char in text[at - 1 : at + 1])
