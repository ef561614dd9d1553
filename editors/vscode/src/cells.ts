/** Cells: to VS Code each is a document of its own, to a person a part of one file. */

import { type NotebookCell, type TextDocument, type Uri, type ViewColumn, window, workspace } from "vscode";

/** Return the cell that a document is; undefined for any other document. */
export function cellOf(document: TextDocument): NotebookCell | undefined {
  for (const notebook of workspace.notebookDocuments) {
    const cell = notebook.getCells().find((one) => one.document === document);
    if (cell) {
      return cell;
    }
  }
  return undefined;
}

/** Return the file that a document is or is a cell of. */
export function fileOf(document: TextDocument): Uri {
  return cellOf(document)?.notebook.uri ?? document.uri;
}

/** Return the column that a cell's notebook is shown in: the editor of the cell itself tells none. */
export function columnOf(document: TextDocument): ViewColumn | undefined {
  const notebook = cellOf(document)?.notebook;
  return window.visibleNotebookEditors.find((editor) => notebook && editor.notebook === notebook)?.viewColumn;
}
