/** Put the parts together. */

import { type ExtensionContext, window, workspace } from "vscode";
import { register } from "./commands.ts";
import { Compare } from "./compare.ts";
import { Pages } from "./pages.ts";
import { Pause } from "./pause.ts";
import { watchPython } from "./python.ts";
import { Supervisor } from "./server.ts";
import { StatusItem } from "./status.ts";

// The server hears of the others by itself; these decide which server runs and what it is sent.
const NEED_A_RESTART = ["fimLsp.path", "fimLsp.languages", "fimLsp.completionFallback"];

let server: Supervisor | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("fim-lsp", { log: true });
  const pause = new Pause(context.globalState);
  const status = new StatusItem(pause);
  const pages = new Pages();
  const supervisor = new Supervisor(context, log, pause, status);
  const compare = new Compare(supervisor);
  server = supervisor;

  const restart = () => void supervisor.restartIfWanted();
  context.subscriptions.push(
    log,
    pause,
    status,
    pages,
    compare,
    ...register({ log, pause, pages, compare, server: supervisor }),
    workspace.onDidOpenTextDocument((document) => supervisor.wake(document)),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((change) => {
      if (NEED_A_RESTART.some((key) => change.affectsConfiguration(key))) {
        restart();
      }
    }),
  );
  void watchPython(restart).then((watch) => watch && context.subscriptions.push(watch));
  for (const document of workspace.textDocuments) {
    supervisor.wake(document);
  }
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
