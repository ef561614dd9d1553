"""Windows of other files that share most words with the lines around the cursor."""

from __future__ import annotations

from fim_lsp.context.index import Workspace
from fim_lsp.context.query import Query
from fim_lsp.domain import Snippet
from fim_lsp.languages import Site

ALIKE = 0.22  # shared words of all words, at least: less alike misleads as often as it helps (docs/context.md)
COUNT = 3  # looked at, of which the best are shown


def collect(workspace: Workspace, query: Query, site: Site) -> list[Snippet]:
    """Return windows of other files, the likest first."""
    return workspace.alike(query.words, query.path, COUNT)
