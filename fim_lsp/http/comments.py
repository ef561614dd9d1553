"""Other files and the file's own path, as Continue puts them before the prefix: in comments.

⏎# Path: pkg/a.py⏎# x = 1⏎# pkg/b.py⏎y =    →  prefix `y = `, path pkg/b.py, snippet pkg/a.py
"""

from __future__ import annotations

import re
from dataclasses import replace

from fim_lsp import languages
from fim_lsp.domain import Snippet
from fim_lsp.http.place import SENT, TextAround

HEAD = re.compile(r"\n?(?P<mark>[^\w\s]{1,4}) (?:Path: )?(?P<path>\S+)\n")
SECTION = re.compile(r"^Path: (\S+)\n", re.MULTILINE)


def read(place: TextAround) -> TextAround:
    """Take what stands in comments before a prefix for what it is; a prefix that does not begin so is left alone."""
    found = HEAD.match(place.prefix)
    if found is None or not languages.language_of(found["path"]):
        return place
    mark, lines = f"{found['mark']} ", place.prefix.removeprefix("\n").split("\n")
    size = next((at for at, line in enumerate(lines) if not line.startswith(mark)), len(lines) - 1)
    said = [line.removeprefix(mark) for line in lines[:size]]
    named = [at for at, line in enumerate(said) if " " not in line and languages.language_of(line)]
    if not named:
        return place
    own = named[-1]
    _, *parts = SECTION.split("\n".join(said[:own]))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    others = tuple(Snippet(path, text.rstrip("\n"), SENT) for path, text in pairs if text.strip())
    prefix = "\n".join(lines[own + 1 :])
    return replace(place, prefix=prefix, path=said[own], snippets=place.snippets + others)
