"""Which open documents are excluded: asked when one opens and when rules may have changed, never by a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fim_lsp.lsp.documents import Document
from fim_lsp.lsp.uris import fs_path
from fim_lsp.privacy.exclusion import Exclusion
from fim_lsp.privacy.names import EXCLUDED

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer


class Excluding:
    """The rules in force; used on the event loop."""

    def __init__(self, server: FimServer):
        self.server, self.exclusion = server, Exclusion()

    def look(self, document: Document) -> str:
        """Note and return why a document is excluded, "" where it is not."""
        uris = [document.uri, *([document.notebook.uri] if document.notebook else [])]
        paths = filter(None, map(_path, uris))
        why = next((why for path in paths if (why := self.exclusion.reason(path))), "")
        document.excluded = EXCLUDED.format(why) if why else ""
        return document.excluded

    def renew(self) -> None:
        """Read the rules again; what is newly excluded is forgotten wherever its text went."""
        config, server = self.server.settings.config, self.server
        roots = {Path(root) for root in server.protocol.roots()}
        roots |= {root.resolve() for root in roots}
        self.exclusion = Exclusion(roots, config.exclude, config.exclude_ignored)
        server.indexing.exclude(self.exclusion)
        for document in server.protocol.documents.open.values():
            if not document.excluded and self.look(document):
                server.requests.forget(document.uri)
                server.feedback.close(document.uri)
            elif document.excluded and not self.look(document):
                server.indexing.opened(document)


def _path(uri: str) -> Path | None:
    """Return the path that a URI of any scheme names: a notebook's cell and a file's older self have one, too."""
    try:
        path = fs_path(uri) if uri.startswith("file:") else unquote(urlsplit(uri).path)
    except ValueError:
        return None
    return Path(path) if path else None
