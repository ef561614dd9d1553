"""The prompts of published models as text, for a server that has no parameter for what stands right of the cursor."""

from __future__ import annotations

from fim_lsp.domain import FimRequest
from fim_lsp.sentinels import Sentinels


def render(request: FimRequest, marks: Sentinels) -> str:
    """Return the prompt; what looks like a sentinel in the text itself is left out of it."""
    prefix, suffix = (_clean(text, marks) for text in request.segments)
    if marks.is_spaced:
        return f"{marks.prefix} {prefix} {marks.suffix}{suffix} {marks.middle}"
    parts = [marks.prefix + prefix, marks.suffix + suffix]
    return _files(request, marks) + "".join(reversed(parts) if marks.is_suffix_first else parts) + marks.middle


def _files(request: FimRequest, marks: Sentinels) -> str:
    """Return other files and the path of the cursor's own; nothing for a model that was taught no paths."""
    if not marks.has_paths or not request.snippets:
        return ""
    others = (f"{marks.file}{_clean(one.path, marks)}\n{_clean(one.text, marks)}\n" for one in request.snippets)
    return f"{''.join(others)}{marks.file}{_clean(request.path, marks)}\n"


def _clean(text: str, marks: Sentinels) -> str:
    for mark in (marks.prefix, marks.suffix, marks.middle, marks.file, *marks.ends):
        text = text.replace(mark, "") if mark else text
    return text
