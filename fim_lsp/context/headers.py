"""The headers of the definitions that the window begins in."""

from __future__ import annotations

from fim_lsp.domain import split_lines
from fim_lsp.languages import Site
from fim_lsp.languages.block import indent_of

LOOK_BACK_CHARS = 200_000  # above the window


def collect(lost: str, near: str, site: Site, room: int) -> str:
    """Return the lines that head definitions above the window, outermost first, at most `room` characters.

    They are found by indents from the window's first line up: where the cursor stands and whether the tree around it
    is whole changes from key to key, and with it would change all that is cached of the window.
    """
    scope = site.language.scope_pattern
    indent = indent_of(next((line for line in split_lines(near) if line.strip()), ""))
    lines: list[str] = []
    end, least = len(lost), max(len(lost) - LOOK_BACK_CHARS, 0)
    while scope and indent and end > least:
        begin = lost.rfind("\n", 0, end - 1) + 1
        line, end = lost[begin:end].rstrip(), begin
        if line and indent_of(line) < indent:
            indent = indent_of(line)
            if scope.match(line.lstrip()):
                lines.insert(0, line)
    while lines and sum(len(line) + 1 for line in lines) > room:
        lines.pop(0)  # the innermost says most about what comes next
    return "\n".join(lines)
