"""What IPython understands and Python does not, made a comment of the same length: every place stays where it is.

%matplotlib inline    #matplotlib inline          x = !ls -l    x = 0#s -l
!pip install rich     #pip install rich           %%time        #%time
rows?                 #ows?                       % b           stays: the rest of a division
"""

from __future__ import annotations

import re
from functools import lru_cache

OWN = frozenset({"time", "timeit", "capture", "prun", "debug", "memit", "mprun", "python", "python3", "py3"})
CELL = re.compile(r"\s*%%([A-Za-z_]\w*)|\s*!!")  # all of a cell
LINE = re.compile(r"[ \t]*(%{1,2}[A-Za-z_]|![^=\s]|\?{1,2}\w)")
HELP = re.compile(r"[ \t]*[%\w.*\[\]'\"]+\?{1,2}[ \t]*")
ASSIGNED = re.compile(r"([\w.,\[\] \t]++=[ \t]*+)(?:![^=\s]|%[A-Za-z_])")

MOST_KNOWN = 256  # cells; all around the one that is typed in stay what they were

FOREIGN_CELL = "the cell is in another language: {}"
MAGIC_LINE = "the line is one of IPython's, not of Python's"


def foreign(cell: str) -> str:
    """Return the magic by which a whole cell is no Python, "" where it is some."""
    found = CELL.match(cell)
    return "" if found is None or found[1] in OWN else found[0].strip()


@lru_cache(MOST_KNOWN)
def commented(cell: str) -> str:
    """Return a cell as Python reads it, character for character where it was."""
    is_foreign, goes_on, lines = bool(foreign(cell)), False, []
    for line in cell.split("\n"):
        bare = _commented_line(line, is_foreign or goes_on)
        goes_on = bare != line and line.rstrip("\r").endswith("\\")
        lines.append(bare)
    return "\n".join(lines)


def refusal(cell: str, offset: int) -> str:
    """Return why nothing of Python's belongs at a place, "" where it does."""
    if name := foreign(cell):
        return FOREIGN_CELL.format(name)
    start = cell.rfind("\n", 0, offset) + 1
    line = commented(cell)[start : (cell.find("\n", offset) + 1 or len(cell) + 1) - 1]
    return MAGIC_LINE if line != cell[start : start + len(line)] else ""


def _commented_line(line: str, is_all: bool) -> str:
    indent = len(line) - len(line.lstrip())
    if is_all or LINE.match(line) or HELP.fullmatch(line.rstrip("\r")):
        return f"{line[:indent]}#{line[indent + 1 :]}" if line.strip() else line
    if found := ASSIGNED.match(line):
        at = found.end(1)
        return f"{line[:at]}0#{line[at + 2 :]}"
    return line
