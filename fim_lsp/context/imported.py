"""What the names near the cursor are: the signatures behind the file's imports, bodies dropped.

⟨file⟩lib/store.py
class Store(Base):
    root: Path
    def load(self, name: str) -> str: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fim_lsp.context.index import Workspace
from fim_lsp.context.query import Query
from fim_lsp.domain import Snippet
from fim_lsp.languages import Language, Site, get, language_of

if TYPE_CHECKING:
    from fim_lsp.context.index.store import Defined

MOST_CHARS = 850  # of a snippet: about as many tokens as are read of one
MOST_MEMBERS = 30  # of a type or a module
NEAR_NAMES = 12  # whose types are looked for
FILES = 4  # of which the nearest are shown, and the others may stay
MEMBER = re.compile(r"(?:\.|->|::)(\w+)")  # of something: only so is a member of a type asked for
WAYS = (  # of saying what a name is
    re.compile(r"\b(?P<type>[A-Z]\w+)[ *&]+(?P<name>\w+)\b"),
    re.compile(r"\b(?P<name>\w+)\s*:?=\s*(?:new |await |&)?(?P<type>[A-Z]\w*)\s*[({.]"),
    re.compile(r"\b(?P<name>\w+)\??\s*:\s*&?(?:mut )?(?P<type>\w+)"),
)
FAR = 1_000  # rank of what is imported but not near


def collect(workspace: Workspace, query: Query, site: Site) -> list[Snippet]:
    """Return a snippet a file, the one with the name nearest to the cursor first."""
    paths = workspace.imported(site, query.path)
    near = list(dict.fromkeys([*query.latest, *_types(query)]))
    sources = {name: text for _, text in site.imports for name in sorted(site.language.imported(text))}
    far = list(sources)
    ranks = {name: FAR + rank for rank, name in enumerate(far)} | {name: rank for rank, name in enumerate(near)}
    members = set(MEMBER.findall(f"{query.before}\n{query.after}"))
    ranked: dict[str, list[tuple[int, Defined]]] = {}
    for one in workspace.named([name for name in ranks if not name.startswith("__")], paths):
        if not one.definition.owner or one.definition.name in members:
            ranked.setdefault(one.path, []).append((ranks[one.definition.name], one))
    for one in workspace.anywhere(far):  # what a file passes on that it imports itself
        if one.path not in (*paths, query.path) and workspace.is_meant(sources[one.definition.name], one.path):
            ranked.setdefault(one.path, []).append((ranks[one.definition.name], one))
    for path in paths:
        module = workspace.module(path)
        if module in near and module in far and (inside := workspace.owned("", path)):
            ranked.setdefault(path, []).extend((ranks[module], one) for one in inside[:MOST_MEMBERS])
    nearest = sorted((min(rank for rank, _ in some), path) for path, some in ranked.items())
    return [
        Snippet(path, text, f"has {_names(ranked[path])}", 1.0 if rank < FAR else 0.7)
        for rank, path in nearest[:FILES]
        if (text := _shown(workspace, path, ranked[path]))
    ]


def _names(ranked: list[tuple[int, Defined]]) -> str:
    ordered = sorted(ranked, key=lambda one: one[0])
    return ", ".join(list(dict.fromkeys(one.definition.name for _, one in ordered))[:3])


def _types(query: Query) -> Iterator[str]:
    """Yield the types of the names near the cursor, as far as the text above says so in the usual ways."""
    types: dict[str, str] = {}
    for way in WAYS:
        types |= {found["name"]: found["type"] for found in way.finditer(query.above)}
    yield from (types[name] for name in query.latest[:NEAR_NAMES] if name in types)


def _shown(workspace: Workspace, path: str, ranked: list[tuple[int, Defined]]) -> str:
    """Return signatures in the order of the file, the nearest chosen first, as many as there is room for."""
    page = _Page(get(language_of(path)))
    for rank, one in sorted(ranked, key=lambda one: one[0]):
        it = one.definition
        if it.owner:
            page.say(workspace.named([it.owner], [path])[:1], is_header=True)
        members = workspace.owned(it.name, path)[:MOST_MEMBERS] if it.is_type and rank < FAR else []
        page.say([one], is_header=bool(members))
        page.say(members)
    return page.text


@dataclass
class _Page:
    """Lines of one file as far as there is room."""

    language: Language
    lines: dict[int, str] = field(default_factory=dict)
    room: int = MOST_CHARS

    def say(self, some: Iterable[Defined], is_header: bool = False) -> None:
        """Add signatures; a header is followed by its members."""
        for one in some:
            it = one.definition
            elided = self.language.elided if it.has_body and not is_header else ""
            line = f"{'    ' if it.owner else ''}{it.signature}{elided}"
            if len(line) < self.room and (it.line not in self.lines or is_header):
                self.room -= len(line) + 1
                self.lines[it.line] = line

    @property
    def text(self) -> str:
        return "\n".join(self.lines[at] for at in sorted(self.lines))
