/** The status-bar item: state, backend, last latency. */

import { MarkdownString, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { Pause } from "./pause.ts";
import type { Server } from "./resolve.ts";

export interface Status {
  state: "off" | "starting" | "loading" | "ready" | "busy" | "error";
  reason: string;
  backend: string;
  lastMs: number | null;
}

export const OFF: Status = { state: "off", reason: "", backend: "", lastMs: null };

const ICONS: Record<Status["state"], string> = {
  off: "circle-slash",
  starting: "loading~spin",
  loading: "loading~spin",
  ready: "sparkle",
  busy: "sync~spin",
  error: "warning",
};

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
    const { state, reason, backend, lastMs } = this.status;
    const paused = this.pause.reason(window.activeTextEditor?.document);
    const known = [backend, lastMs === null ? "" : `${Math.round(lastMs)} ms`].filter(Boolean);
    this.item.text = `$(${paused ? "debug-pause" : ICONS[state]}) ${["fim-lsp", ...known].join(" ")}`;
    const said = paused ? `paused ${paused}` : [state, reason].filter(Boolean).join(": ");
    this.item.accessibilityInformation = { label: `fim-lsp ${said}`, role: "button" };
    this.item.tooltip = new MarkdownString()
      .appendText(`fim-lsp: ${said}`)
      .appendText(this.server ? `\n${this.server.command} (${this.server.source})` : "");
    this.item.backgroundColor = state === "error" ? new ThemeColor("statusBarItem.warningBackground") : undefined;
  }
}
