/** The commands and the menu. */

import { type Disposable, type LogOutputChannel, Selection, ViewColumn, commands, window, workspace } from "vscode";
import type { Compare } from "./compare.ts";
import { type Explanation, render } from "./explain.ts";
import { install } from "./install.ts";
import type { Pages } from "./pages.ts";
import type { Pause } from "./pause.ts";
import { activePython } from "./python.ts";
import type { Supervisor } from "./server.ts";

const TO_TRY = "def area(width, height):\n    return ";

const OF_THE_EDITOR = {
  trigger: "editor.action.inlineSuggest.trigger",
  acceptAll: "editor.action.inlineSuggest.commit",
  acceptWord: "editor.action.inlineSuggest.acceptNextWord",
  acceptLine: "editor.action.inlineSuggest.acceptNextLine",
  next: "editor.action.inlineSuggest.showNext",
  previous: "editor.action.inlineSuggest.showPrevious",
};

export interface Parts {
  log: LogOutputChannel;
  pause: Pause;
  server: Supervisor;
  pages: Pages;
  compare: Compare;
}

/** Register every command of package.json. */
export function register(parts: Parts): Disposable[] {
  const { log, pause, server, compare } = parts;
  const document = () => window.activeTextEditor?.document;
  const own: Record<string, () => unknown> = {
    explain: () => explain(parts),
    compare: () => compare.run(),
    showServer: () => showServer(server),
    showLog: () => log.show(),
    doctor: () => doctor(server),
    install: () => installAndStart(parts),
    restart: () => server.restart(),
    toggle: () => pause.toggleEverywhere(),
    pauseHere: () => document() && pause.toggleFile(document()!),
    pauseLanguage: () => document() && pause.toggleLanguage(document()!.languageId),
    backend: switchBackend,
    menu: () => menu(pause),
    tryOut,
  };
  for (const [name, command] of Object.entries(OF_THE_EDITOR)) {
    own[name] = () => commands.executeCommand(command);
  }
  return Object.entries(own).map(([name, run]) => commands.registerCommand(`fimLsp.${name}`, run));
}

async function explain({ server, pages }: Parts): Promise<void> {
  const language = window.activeTextEditor?.document.languageId ?? "";
  if (!server.client?.isRunning()) {
    void window.showInformationMessage("fim-lsp: the server is not running.");
    return;
  }
  const answer = await server.client.sendRequest<Explanation>("fimLsp/explain", {});
  await window.showTextDocument(await pages.open("Last answer.md", render(answer, language)), {
    viewColumn: ViewColumn.Beside,
    preserveFocus: true,
    preview: true,
  });
}

async function showServer(server: Supervisor): Promise<void> {
  const found = await server.resolve();
  const text = "reason" in found ? found.reason : `${found.command} ${found.args.join(" ")} (from: ${found.source})`;
  void window.showInformationMessage(`fim-lsp: ${text}`);
}

async function doctor(server: Supervisor): Promise<void> {
  const found = await server.resolve();
  if ("reason" in found) {
    void window.showWarningMessage(`fim-lsp: ${found.reason}`);
    return;
  }
  const terminal = window.createTerminal("fim-lsp doctor");
  terminal.show();
  terminal.sendText(`${process.platform === "win32" ? "& " : ""}"${found.command}" doctor`);
}

async function installAndStart({ server, log }: Parts): Promise<void> {
  if (server.isInside) {
    void window.showInformationMessage("fim-lsp: the server is inside this extension. Set fimLsp.path to run another.");
    return;
  }
  await server.stop(); // a running program's files cannot be replaced on Windows
  const python = workspace.isTrusted ? await activePython(undefined) : undefined;
  if (await install(server.own, python, log)) {
    await server.restart();
  }
}

async function switchBackend(): Promise<void> {
  const settings = workspace.getConfiguration("fimLsp");
  const chosen = await window.showQuickPick(["auto", "gpt", "bert", "remote"], {
    title: "fim-lsp: backend",
    placeHolder: `now ${settings.get("backend")}`,
  });
  if (chosen) {
    const isOfFolder = settings.inspect("backend")?.workspaceValue !== undefined;
    await settings.update("backend", chosen, !isOfFolder);
  }
}

/** Open a file that nothing depends on, the cursor where a suggestion is due. */
async function tryOut(): Promise<void> {
  const document = await workspace.openTextDocument({ language: "python", content: TO_TRY });
  const editor = await window.showTextDocument(document);
  const end = document.positionAt(TO_TRY.length);
  editor.selection = new Selection(end, end);
  await commands.executeCommand(OF_THE_EDITOR.trigger);
}

async function menu(pause: Pause): Promise<void> {
  const document = window.activeTextEditor?.document;
  const paused = pause.reason(document);
  const verb = (where: string) => (paused === where ? "$(play) Resume" : "$(debug-pause) Pause");
  const language = `for ${document?.languageId}`;
  const items = [
    ...(document ? [{ label: `${verb("in this file")} in this file`, command: "pauseHere" }] : []),
    ...(document ? [{ label: `${verb(language)} ${language}`, command: "pauseLanguage" }] : []),
    { label: `${verb("everywhere")} everywhere`, command: "toggle" },
    { label: "$(arrow-swap) Switch backend", command: "backend" },
    { label: "$(question) Explain the last answer", command: "explain" },
    { label: "$(split-horizontal) Compare BERT and GPT at the cursor", command: "compare" },
    { label: "$(server-process) Show the resolved server", command: "showServer" },
    { label: "$(output) Show log", command: "showLog" },
    { label: "$(pulse) Run doctor", command: "doctor" },
    { label: "$(debug-restart) Restart server", command: "restart" },
  ];
  const chosen = await window.showQuickPick(items, { title: paused ? `fim-lsp (paused ${paused})` : "fim-lsp" });
  if (chosen) {
    await commands.executeCommand(`fimLsp.${chosen.command}`);
  }
}
