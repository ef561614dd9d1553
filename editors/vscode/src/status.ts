/** The status-bar item: state, backend, last latency; on hovering also the model, the server and what can be done. */

import { MarkdownString, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { Pause } from "./pause.ts";
import type { Server } from "./resolve.ts";
import { model } from "./settings.ts";
import { type Status, say } from "./statusText.ts";

export const OFF: Status = { state: "off", reason: "", backend: "", lastMs: null };

const ICONS: Record<Status["state"], string> = {
  off: "circle-slash",
  starting: "loading~spin",
  loading: "loading~spin",
  ready: "sparkle",
  busy: "sync~spin",
  error: "warning",
};
const ACTIONS = { toggle: "Pause or resume", backend: "Switch backend", explain: "Explain", menu: "More…" };

export class StatusItem {
  private readonly item = window.createStatusBarItem("fimLsp.status", StatusBarAlignment.Right, 100);
  private readonly watches;
  private status = OFF;
  private server: Server | undefined;
  private readonly pause: Pause;

  constructor(pause: Pause) {
    this.pause = pause;
    this.item.name = "fim-lsp";
    this.item.command = "fimLsp.menu";
    this.watches = [pause.onDidChange(() => this.draw()), window.onDidChangeActiveTextEditor(() => this.draw())];
    this.draw();
    this.item.show();
  }

  show(status: Partial<Status>, server = this.server): void {
    this.status = { ...this.status, ...status };
    this.server = server;
    this.draw();
  }

  dispose(): void {
    for (const watch of [this.item, ...this.watches]) {
      watch.dispose();
    }
  }

  private draw(): void {
    const { state, backend } = this.status;
    const paused = this.pause.reason(window.activeTextEditor?.document);
    const said = say(this.status, paused, this.server, model(backend));
    this.item.text = `$(${paused ? "debug-pause" : ICONS[state]}) ${said.bar}`;
    this.item.accessibilityInformation = { label: said.label, role: "button" };
    this.item.tooltip = hover(said.lines);
    this.item.backgroundColor = state === "error" ? new ThemeColor("statusBarItem.warningBackground") : undefined;
  }
}

function hover(lines: string[]): MarkdownString {
  const text = new MarkdownString().appendMarkdown("**fim-lsp** ");
  text.isTrusted = { enabledCommands: Object.keys(ACTIONS).map((name) => `fimLsp.${name}`) };
  for (const line of lines) {
    text.appendText(line).appendMarkdown("\n\n");
  }
  const actions = Object.entries(ACTIONS).map(([name, title]) => `[${title}](command:fimLsp.${name})`);
  return text.appendMarkdown(actions.join(" · "));
}
