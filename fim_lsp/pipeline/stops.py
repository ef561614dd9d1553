"""Where a suggestion ends: each rule looks at a draft and says where to cut it.

drafts  "x"  "x = "  "x = f("  "x = f(y)\\n"
                                      ^ a rule cuts here: the stream is closed and decoding stops
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator

from fim_lsp.domain import GenerationLimits, Snapshot, Suggestion, split_lines
from fim_lsp.languages import Site
from fim_lsp.languages.block import indent_of
from fim_lsp.languages.indent import in_unit
from fim_lsp.languages.loops import round_at_end, rounds_of
from fim_lsp.languages.scan import closers_behind, open_brackets, opened_again, stray_closers

LOOP_CHARS = (3, 80)  # of a round; filters/drop_repetition.py drops what this cannot cut
STANDING_CHARS = 1000  # right of the cursor, looked at at every step

SENTENCE_END = re.compile(r"""(?<![\d\s.])[.!?](?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)["')\]*_`]*(?=\s)""")

Rule = Callable[[str, Snapshot, GenerationLimits, Site], int | None]


def at_line_end(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """One line only: its end, or nothing at all where the line is already complete."""
    first = text if limits.multiline else split_lines(text)[0]
    return len(first) if len(first) < len(text) else None


def at_closer(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """The bracket that closes here already stands right of the cursor."""
    standing = snap.line_suffix[:STANDING_CHARS].strip()
    if limits.multiline or not standing or standing[0] not in ")]}" or _is_closed_by_editor(snap, site):
        return None
    cut = next((at for at, closer in stray_closers(text, site.language) if closer == standing[0]), None)
    if cut is None:
        return None
    closing = re.compile(rf"[)\]}}]+\s*[{re.escape(site.language.after_closer)}]?")
    tail = text[cut:].partition("\n")[0].rstrip()
    if standing.startswith(tail) or (closing.fullmatch(standing) and closing.fullmatch(tail)):
        return None  # it repeats what stands, or closes it with a colon or comma: the overlap filter sees how far
    return cut


def at_quote(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """The quote that ends this string already stands right of the cursor."""
    standing, language = snap.line_suffix, site.language
    if site.zone != "string" or not standing or standing[0] not in language.quotes + language.long_quotes:
        return None
    if _is_closed_by_editor(snap, site):
        return None
    mark = standing[0] * (3 if standing.startswith(3 * standing[0]) else 1)
    if mark.startswith(text) and snap.line_prefix.endswith(mark):
        return None  # it may open once more what is open already
    again = len(opened_again(text, snap.line_prefix, language))
    found = re.compile(rf"(?:\\.|(?!{re.escape(mark)}).)*", re.DOTALL).match(text, again)
    cut = found.end() if found else len(text)
    if cut == len(text):
        return None
    closing = re.compile(rf"[)\]}}\s{re.escape(language.quotes + language.long_quotes + language.after_closer)}]*")
    tail = text[cut:].partition("\n")[0]
    if closing.fullmatch(standing) and closing.fullmatch(tail):
        return None  # as with a bracket
    return cut


def _is_closed_by_editor(snap: Snapshot, site: Site) -> bool:
    """True where the model does not know what stands: the overlap filter sees how much of it the text closes."""
    return bool(closers_behind(snap.line_prefix, snap.line_suffix, site.language))


def at_blank_line(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """A block's first blank line after some text: small models drift beyond it."""
    at = len(text) - len(text.lstrip())
    while limits.multiline and (at := text.find("\n", at)) >= 0:
        line_end = text.find("\n", at + 1)
        if line_end >= 0 and not text[at:line_end].strip():
            return at
        at += 1
    return None


def at_dedent(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """A line that stands no deeper than the block's header: it closes the block, or is outside it."""
    if not limits.multiline:
        return None
    at = 0
    own = in_unit(text, site.indent, snap, site.language).split("\n")
    for number, (line, as_shown) in enumerate(zip(text.split("\n"), own, strict=True)):
        if number and line.strip() and indent_of(as_shown) <= site.block_indent:
            closed = _closer_end(line, at + len(line) == len(text), site)
            return max(at - 1, 0) if closed == 0 else closed and at + closed
        at += len(line) + 1
    return None


def _closer_end(line: str, is_last: bool, site: Site) -> int | None:
    """Return where in a line the closer of the block ends, 0 where it has none, None where it may still go on."""
    pattern, bare = site.language.closing_pattern, line.lstrip()
    if pattern is None or site.is_closed:
        return 0
    found = pattern.match(bare)
    if is_last and (found.end() == len(bare) if found else any(one.startswith(bare) for one in site.language.closers)):
        return None
    return len(line) - len(bare) + found.end() if found else 0


def at_suffix_line(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """A line that says what the next line of the document already says."""
    below = site.line_below
    if not limits.multiline or len(below) < 4:
        return None
    at = 0
    for line in text.split("\n")[:-1]:  # the last one may not be whole yet
        if line.strip() == below:
            return max(at - 1, 0)
        at += len(line) + 1
    return None


def at_loop(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """Text that goes in circles: after the first round, if that leaves no bracket open."""
    size = len(round_ := round_at_end(text, *LOOP_CHARS))
    if not size or any(round_[chars:] == round_[:-chars] for chars in (1, 2)):  # `a.a.a.`, a row of dashes
        return None
    start = len(text) - size * rounds_of(size)
    while start and text[start - 1] == text[start - 1 + size]:
        start -= 1
    return None if open_brackets(text[: start + size], site.language) else start + size


def at_max_lines(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    body = len(text) - len(text.lstrip("\n"))
    for _ in range(limits.max_lines if limits.multiline else 0):
        body = text.find("\n", body)
        if body < 0:
            return None
        body += 1
    return body - 1 if limits.multiline else None


def at_sentence_end(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """In prose a sentence is what a statement is in code, and a line may be a paragraph."""
    found = SENTENCE_END.search(text) if site.language.is_prose else None
    return found.end() if found else None


def at_part_end(text: str, snap: Snapshot, limits: GenerationLimits, site: Site) -> int | None:
    """What ends the part of the document that is in the cursor's language."""
    found = re.search(site.ends, text) if site.ends else None
    return found.start() if found else None


RULES: tuple[Rule, ...] = (
    *(at_line_end, at_closer, at_quote, at_blank_line, at_dedent, at_suffix_line, at_max_lines, at_loop),
    *(at_sentence_end, at_part_end),
)


def apply(drafts: Iterator[Suggestion], limits: GenerationLimits, site: Site) -> Suggestion | None:
    """Follow the drafts until a rule cuts one, then stop the decoding; None when there was no draft."""
    last = None
    for last in drafts:
        cuts = [cut for rule in RULES if (cut := rule(last.text, site.snap, limits, site)) is not None]
        if cuts:
            if isinstance(drafts, Generator):
                drafts.close()
            return last.with_text(last.text[: min(cuts)], finish="stop")
    return last
