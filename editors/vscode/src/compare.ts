/** Both families at the cursor: ask the server, show the answer beside the editor, insert what is chosen. */

import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { Position, ProgressLocation, Range, Selection, type TextDocument, type TextEditor, ViewColumn, type WebviewPanel, window } from "vscode";
import { type LanguageClient, LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import { cellOf, columnOf } from "./cells.ts";
import { type Scene, render } from "./comparePage.ts";
import type { Comparison } from "./comparison.ts";
import type { Supervisor } from "./server.ts";

const ABOVE_LINES = 4;
const BELOW_LINES = 3;

/** Where a comparison was asked for. */
interface Place {
  document: TextDocument;
  version: number;
  position: Position;
  column: ViewColumn | undefined;
}

type Said = { insert?: number; again?: true; close?: true };

export class Compare {
  private panel: WebviewPanel | undefined;
  private shown: { place: Place; found: Comparison } | undefined;
  private readonly server: Supervisor;

  constructor(server: Supervisor) {
    this.server = server;
  }

  /** Compare at the cursor; of the page itself, at the cursor of the document it is about. */
  async run(): Promise<void> {
    const client = this.server.client;
    const about = this.shown?.place.document;
    const editor = window.activeTextEditor ?? window.visibleTextEditors.find(({ document }) => document === about);
    if (!client?.isRunning() || !editor) {
      const missing = editor ? "the server is not running" : "there is no cursor in a text editor to compare at";
      void window.showInformationMessage(`fim-lsp: ${missing}.`);
      return;
    }
    const place = placeOf(editor);
    const found = await ask(client, place);
    if (found?.sides.length) {
      this.show(place, found);
    } else if (found) {
      void window.showInformationMessage(`fim-lsp: nothing was compared: ${found.reason}.`);
    }
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private show(place: Place, found: Comparison): void {
    this.shown = { place, found };
    this.panel ??= this.open();
    this.panel.webview.html = render(found, sceneOf(place), randomBytes(16).toString("hex"));
    this.panel.reveal();
  }

  private open(): WebviewPanel {
    const panel = window.createWebviewPanel("fimLsp.compare", "BERT and GPT", ViewColumn.Beside, {
      enableScripts: true,
      localResourceRoots: [],
    });
    panel.webview.onDidReceiveMessage((said: Said) => this.hear(said));
    panel.onDidDispose(() => {
      this.panel = undefined;
      this.shown = undefined;
    });
    return panel;
  }

  private async hear({ insert, again, close }: Said): Promise<void> {
    if (again) {
      await this.run();
    } else if (close) {
      this.panel?.dispose();
    } else if (insert !== undefined) {
      await this.insert(insert);
    }
  }

  private async insert(at: number): Promise<void> {
    const item = this.shown?.found.sides[at]?.item;
    const place = this.shown?.place;
    if (!item || !place) {
      return;
    }
    if (place.document.isClosed || place.document.version !== place.version) {
      void window.showWarningMessage("fim-lsp: the text has changed since; run the comparison again.");
      return;
    }
    this.panel?.dispose();
    const editor = await window.showTextDocument(place.document, place.column);
    const { start, end } = item.range;
    const span = new Range(start.line, start.character, end.line, end.character);
    if (await editor.edit((edit) => edit.replace(span, item.insertText))) {
      const lines = item.insertText.split("\n");
      const first = lines.length === 1 ? start.character : 0;
      const cursor = new Position(start.line + lines.length - 1, first + (lines.at(-1) ?? "").length);
      editor.selection = new Selection(cursor, cursor);
    }
  }
}

function placeOf({ document, selection, viewColumn }: TextEditor): Place {
  return { document, version: document.version, position: selection.active, column: viewColumn ?? columnOf(document) };
}

/** Return the answer; undefined when the user did not wait for it. */
function ask(client: LanguageClient, { document, position }: Place): Thenable<Comparison | undefined> {
  const { line, character } = position;
  const params = { textDocument: { uri: client.code2ProtocolConverter.asUri(document.uri) }, position: { line, character } };
  const title = "fim-lsp: comparing BERT and GPT at the cursor";
  return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, async (_, token) => {
    try {
      return await client.sendRequest<Comparison>("fimLsp/compare", params, token);
    } catch (problem) {
      if (problem instanceof ResponseError && problem.code === LSPErrorCodes.RequestCancelled) {
        return undefined;
      }
      throw problem;
    }
  });
}

function sceneOf({ document, position }: Place): Scene {
  const above = new Position(Math.max(position.line - ABOVE_LINES, 0), 0);
  const below = document.lineAt(Math.min(position.line + BELOW_LINES, document.lineCount - 1)).range.end;
  const cell = cellOf(document);
  const within = cell ? `, cell ${cell.index + 1}` : "";
  return {
    name: `${basename(document.fileName)}${within}, line ${position.line + 1}`,
    before: document.getText(new Range(above, position)),
    after: document.getText(new Range(position, below)),
  };
}
