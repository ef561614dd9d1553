"""Write indents as the file does, and none that already stands left of the cursor.

⇥⇥║      +  a = 1⏎········b = 2      →  ⇥⇥├a = 1⏎⇥⇥b = 2┤
····║    +  ····return a             →  ····├return a┤
"""

from __future__ import annotations

from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.languages import Language, SyntaxTree
from fim_lsp.languages.block import indent_of
from fim_lsp.languages.indent import in_unit, indent_unit
from fim_lsp.languages.scan import open_brackets
from fim_lsp.languages.zone import zone_of

LOOK_BACK_CHARS = 4000


def apply(suggestion: Suggestion, snap: Snapshot, syntax: SyntaxTree) -> Suggestion | None:
    """Return the suggestion in the file's own indentation."""
    unit = indent_unit(snap)
    text = in_unit(suggestion.text, unit, snap, syntax.language)
    stands, said = snap.line_prefix, text[: len(text) - len(text.lstrip(" \t"))]
    if said and stands and not stands.strip():
        text = _lacking(said, unit, snap, syntax) + text[len(said) :]
    return suggestion if text == suggestion.text else suggestion.with_text(text)


def _lacking(said: str, unit: str, snap: Snapshot, syntax: SyntaxTree) -> str:
    """Return what of an indent is yet to be written where some already stands."""
    stands = snap.line_prefix
    above = snap.prefix[: -len(stands)].rstrip()[-LOOK_BACK_CHARS:].rpartition("\n")[2]
    is_code = zone_of(snap, syntax) == "code"
    if not is_code or open_brackets(snap.prefix[-LOOK_BACK_CHARS:], syntax.language):
        is_stray = is_code and said == " " and unit != said and indent_of(above) != indent_of(stands + said)
        return "" if is_stray or indent_of(said) == indent_of(stands) else said
    if not _opens_block(above, syntax.language):
        return ""
    wanted = above[: len(above) - len(above.lstrip())] + (unit or said)
    return wanted[len(stands) :] if wanted.startswith(stands) else ""


def _opens_block(line: str, language: Language) -> bool:
    if language.openers:
        return line.endswith(tuple(language.openers))
    return bool(language.header_pattern.match(" ".join(line.split())))
