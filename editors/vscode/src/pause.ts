/** Where suggestions are paused: a file for this session, a language or everything until resumed. */

import { EventEmitter, type Memento, type TextDocument } from "vscode";
import { fileOf } from "./cells.ts";

const EVERYWHERE = "paused.everywhere";
const LANGUAGES = "paused.languages";

export class Pause {
  private readonly files = new Set<string>();
  private readonly changes = new EventEmitter<void>();
  readonly onDidChange = this.changes.event;
  private readonly memory: Memento;

  constructor(memory: Memento) {
    this.memory = memory;
  }

  /** Return where this document is paused, in words; undefined when it is not. */
  reason(document: TextDocument | undefined): string | undefined {
    if (this.memory.get<boolean>(EVERYWHERE, false)) {
      return "everywhere";
    }
    if (document && this.languages.has(document.languageId)) {
      return `for ${document.languageId}`;
    }
    return document && this.files.has(fileOf(document).toString()) ? "in this file" : undefined;
  }

  async toggleEverywhere(): Promise<void> {
    await this.memory.update(EVERYWHERE, !this.memory.get<boolean>(EVERYWHERE, false));
    this.changes.fire();
  }

  async toggleLanguage(language: string): Promise<void> {
    await this.memory.update(LANGUAGES, [...flipped(this.languages, language)]);
    this.changes.fire();
  }

  toggleFile(document: TextDocument): void {
    flipped(this.files, fileOf(document).toString());
    this.changes.fire();
  }

  dispose(): void {
    this.changes.dispose();
  }

  private get languages(): Set<string> {
    return new Set(this.memory.get<string[]>(LANGUAGES, []));
  }
}

function flipped(set: Set<string>, value: string): Set<string> {
  if (!set.delete(value)) {
    set.add(value);
  }
  return set;
}
