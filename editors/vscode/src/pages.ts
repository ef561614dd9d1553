/** Read-only pages of the extension's own, shown in an editor. */

import { EventEmitter, type TextDocument, type TextDocumentContentProvider, Uri, workspace } from "vscode";

export class Pages implements TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  readonly onDidChange = this.changes.event;
  private readonly registration = workspace.registerTextDocumentContentProvider("fim-lsp", this);

  provideTextDocumentContent(uri: Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  async open(name: string, text: string): Promise<TextDocument> {
    const uri = Uri.from({ scheme: "fim-lsp", path: name });
    this.texts.set(uri.path, text);
    this.changes.fire(uri);
    return workspace.openTextDocument(uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }
}
