"""Notebooks: a cell is completed as a part of one text, all cells of its language in their order (LSP 3.17).

cells    import os     %matplotlib inline     x = os.║     y = 1
text     import os⏎⏎  #matplotlib inline⏎⏎  x = os.║⏎⏎  y = 1        `origin` is where the cell begins in it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fim_lsp.domain import Snapshot
from fim_lsp.languages import Language, get, magics
from fim_lsp.lsp import protocol
from fim_lsp.lsp.documents import LOST, Document, Documents
from fim_lsp.lsp.uris import one_uri

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

SYNC = lsp.NotebookDocumentSyncOptions([lsp.NotebookDocumentFilterWithNotebook(notebook="*")])
GAP = "\n\n"  # between two cells
AROUND_MOST = 200_000  # characters of other cells on either side, the nearest ones


@dataclass
class Notebook:
    """The order of a notebook's cells; their texts are documents."""

    uri: str
    path: str  # as its workspace names it
    documents: Mapping[str, Document] = field(repr=False)
    cells: list[str] = field(default_factory=list)  # their uris
    is_lost: bool = False  # their order is not known

    def surround(self, snap: Snapshot, cell: Document) -> Snapshot:
        """Return a cell's snapshot with the cells of its language before and behind it."""
        language = get(cell.language)
        if language.has_magics and (why := magics.refusal(snap.text, snap.offset)):
            return replace(snap, refusal=why)
        order = [cell.uri] if self.is_lost or cell.uri not in self.cells else self.cells
        at = order.index(cell.uri)
        above = self._texts(reversed(order[:at]), cell.language)
        below = self._texts(order[at + 1 :], cell.language)
        before = "".join(text + GAP for text in reversed(above))
        text = before + bare(snap.text, language) + "".join(GAP + text for text in below)
        extension = next(iter(language.extensions), "")
        path = str(PurePosixPath(self.path).with_suffix(extension)) if self.path else ""
        return replace(snap, text=text, offset=len(before) + snap.offset, origin=len(before), path=path)

    def _texts(self, uris: Iterable[str], language: str) -> list[str]:
        found: list[str] = []
        left = AROUND_MOST
        for uri in uris:
            cell = self.documents.get(uri)
            if cell is None or cell.language != language or cell.silence:
                continue
            left -= len(cell.text)
            if left < 0:
                break
            if cell.text.strip():
                found.append(bare(cell.text, get(language)))
        return found


def bare(text: str, language: Language) -> str:
    """Return a cell's text as its language's parser can read it, as long as it was."""
    return magics.commented(text) if language.has_magics else text


class Notebooks:
    """The notebooks that the client has open; their cells are among the documents."""

    def __init__(self, documents: Documents):
        self.documents = documents
        self.open: dict[str, Notebook] = {}

    def put(self, params: lsp.DidOpenNotebookDocumentParams, path: str, encoding: str) -> None:
        uri = one_uri(params.notebook_document.uri)
        self._drop_cells(self.open.get(uri))
        cells = [one_uri(cell.document) for cell in params.notebook_document.cells]
        notebook = self.open[uri] = Notebook(uri, path, self.documents.open, cells)
        self._put_cells(notebook, params.cell_text_documents, encoding)

    def change(self, params: lsp.DidChangeNotebookDocumentParams, encoding: str) -> None:
        """Apply what became of the cells' order, then of their texts; what was executed is of no interest."""
        notebook, cells = self.open.get(one_uri(params.notebook_document.uri)), params.change.cells
        if notebook is None or cells is None:
            return
        if structure := cells.structure:
            array = structure.array
            fresh = [one_uri(cell.document) for cell in array.cells or ()]
            notebook.cells[array.start : array.start + array.delete_count] = fresh
            for one in structure.did_close or ():
                self.documents.drop(one_uri(one.uri))
            self._put_cells(notebook, structure.did_open or (), encoding)
        for edit in cells.text_content or ():
            changes = ((getattr(change, "range", None), change.text) for change in edit.changes)
            self.documents.change(one_uri(edit.document.uri), edit.document.version, changes)

    def drop(self, params: lsp.DidCloseNotebookDocumentParams) -> None:
        self._drop_cells(self.open.pop(one_uri(params.notebook_document.uri), None))
        for one in params.cell_text_documents:
            self.documents.drop(one_uri(one.uri))

    def lose(self, uri: str) -> None:
        """Refuse all cells of a notebook of which a change was not understood: what stands where is not known."""
        if notebook := self.open.get(one_uri(uri)):
            notebook.is_lost = True
        for document in self._cells_of(notebook):
            document.refuse(LOST)

    def _cells_of(self, notebook: Notebook | None) -> list[Document]:
        """Return the documents that were opened in a notebook, also those that are in its order no more."""
        return [one for one in self.documents.open.values() if notebook and one.notebook is notebook]

    def _drop_cells(self, notebook: Notebook | None) -> None:
        for document in self._cells_of(notebook):
            self.documents.drop(document.uri)

    def _put_cells(self, notebook: Notebook, items: Iterable[lsp.TextDocumentItem], encoding: str) -> None:
        for item in items:
            cell = Document(one_uri(item.uri), str(item.language_id), item.version, item.text, encoding)
            cell.notebook = notebook
            self.documents.put(cell)


def add_handlers(server: FimServer) -> None:
    """Have the server follow notebooks."""

    def begin(items: Iterable[lsp.TextDocumentItem]) -> None:
        for item in items:
            if document := server.document(one_uri(item.uri)):
                server.excluding.look(document)

    def end(ones: Iterable[lsp.TextDocumentIdentifier]) -> None:
        for uri in {one_uri(one.uri) for one in ones}:
            if server.document(uri) is None:
                server.requests.close(uri)
                server.feedback.close(uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenNotebookDocumentParams) -> None:
        begin(params.cell_text_documents)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeNotebookDocumentParams) -> None:
        cells = params.change.cells
        if cells and (structure := cells.structure):
            end(structure.did_close or ())
            begin(structure.did_open or ())
        for edit in (cells.text_content or ()) if cells else ():
            if document := server.document(one_uri(edit.document.uri)):
                change = lsp.DidChangeTextDocumentParams(edit.document, edit.changes)
                server.feedback.edited(document, change)
                if snap := protocol.typed_at(document, change):
                    server.requests.idle.warm(snap)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseNotebookDocumentParams) -> None:
        end(params.cell_text_documents)
