"""Names that a suggestion uses and that nothing here gives.

import json
rows = json.║              + loads(text)   →  text
                           + load(file)    →  (nothing, where `file` stands anywhere in this text, in any scope)

What the text has anywhere as a name, what the language brings and what another file of the workspace defines are taken
as known: an import may be yet to come. Where the text may use what it never shows (`import *`), and where the parser
does not understand the place, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace

from fim_lsp.domain import Suggestion
from fim_lsp.languages import Site, SyntaxTree
from fim_lsp.languages.names import is_named, names

Elsewhere = Callable[[Collection[str]], Collection[str]]  # those of some names that other files define
STILL_RIGHT = 0.05  # of its likelihood that is left to a suggestion with such a name
WORD = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")


def nowhere(some: Collection[str]) -> Collection[str]:
    """Know no other file."""
    return ()


def find(suggestion: Suggestion, site: Site, defined: Elsewhere = nowhere) -> tuple[str, ...]:
    """Return the names that the suggestion uses and that resolve nowhere, in order."""
    language, snap = site.language, site.snap
    if site.within or not language.names or site.syntax.root is None or len(suggestion.fills) > 1:
        return ()
    before, text, after = snap.prefix, suggestion.text, snap.suffix[suggestion.replaces :]
    strange = _words(suggestion, site) - language.keywords - language.predefined()
    strange = {word for word in strange if not is_named(site.syntax, word)}
    if not strange:
        return ()
    start = len(before.encode())
    end = start + len(text.encode())
    whole = before + text + after
    found = list(names(SyntaxTree.parse(whole, language, site.syntax), start, end))
    given = {name.text for name in found if name.role in ("given", "unknown")}
    is_open = suggestion.finish != "stop"  # what its last word will be is not known
    used = [one.text for one in found if one.role == "used" and not (is_open and one.end == end)]
    left = [name for name in dict.fromkeys(used) if name in strange - given]
    if not left or (language.unseen_pattern and language.unseen_pattern.search(whole)):
        return ()
    known = defined(left)
    return tuple(name for name in left if name not in known)


def doubt(suggestion: Suggestion, site: Site, defined: Elsewhere = nowhere, limit: float = 0.0) -> Suggestion:
    """Return the suggestion with its names that resolve nowhere, which make it unlikely, more so than `limit`."""
    if not (strange := find(suggestion, site, defined)):
        return suggestion
    left = min(suggestion.confidence * STILL_RIGHT, limit / 2 if limit else 1.0)
    return replace(suggestion, unresolved=strange, confidence=left)


def describe(some: Collection[str]) -> str:
    """Say after all else which names resolve nowhere, "" of none."""
    named = ", ".join(f"`{name}`" for name in some)
    return f"; {named} {'is' if len(some) == 1 else 'are'} defined nowhere" if some else ""


def has(suggestion: Suggestion, site: Site, some: Collection[str]) -> bool:
    """True where the suggestion has one of some names, the one included that was begun before it."""
    return not _words(suggestion, site).isdisjoint(some)


def _words(suggestion: Suggestion, site: Site) -> set[str]:
    before, at = site.snap.prefix, site.snap.offset
    while at and site.language.is_word(before[at - 1]):
        at -= 1
    return set(WORD.findall(before[at:] + suggestion.text))
