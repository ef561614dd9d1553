/** Keep the server running: find it, start it when it is first wanted, bring it back when it dies. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ExtensionContext, type LogOutputChannel, type TextDocument, window, workspace } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { Backoff } from "./backoff.ts";
import { makeClient } from "./client.ts";
import { folderInside, makeExecutable } from "./inside.ts";
import { offerInstall } from "./install.ts";
import type { Pause } from "./pause.ts";
import { activePython } from "./python.ts";
import { INSIDE, type Resolution, resolve } from "./resolve.ts";
import { languages, setting } from "./settings.ts";
import { OFF, type StatusItem } from "./status.ts";

export class Supervisor {
  client: LanguageClient | undefined;
  private readonly backoff = new Backoff();
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> = Promise.resolve();
  /** Why there is no server, as it was said: once, not for each file that is opened or each cell of a notebook. */
  private complaint = "";
  private readonly context: ExtensionContext;
  private readonly log: LogOutputChannel;
  private readonly pause: Pause;
  private readonly status: StatusItem;

  constructor(context: ExtensionContext, log: LogOutputChannel, pause: Pause, status: StatusItem) {
    this.context = context;
    this.log = log;
    this.pause = pause;
    this.status = status;
  }

  /** True where the extension carries a server. */
  get isInside(): boolean {
    return existsSync(folderInside(this.context.extensionPath));
  }

  /** Folder of the extension's own environment. */
  get own(): string {
    return join(this.context.globalStorageUri.fsPath, "venv");
  }

  /** Start the server once a document it completes in is open: a window without one pays nothing. */
  wake(document: TextDocument): void {
    if (!this.client && !this.timer && isWanted(document)) {
      this.start();
    }
  }

  /** Start afresh if a document it completes in is open, else stop. */
  async restartIfWanted(): Promise<void> {
    await (workspace.textDocuments.some(isWanted) ? this.restart() : this.stop());
  }

  /** Find the server with what is known now. */
  async resolve(): Promise<Resolution> {
    const found = resolve({
      setting: setting("path", ""),
      inside: folderInside(this.context.extensionPath),
      // An environment of a folder that is not trusted may hold any program under our name.
      python: workspace.isTrusted ? await activePython(workspace.workspaceFolders?.[0]?.uri) : undefined,
      path: process.env["PATH"] ?? "",
      own: this.own,
      isWindows: process.platform === "win32",
      isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
    });
    if ("command" in found && found.source === INSIDE) {
      makeExecutable(found.command);
    }
    return found;
  }

  private start(): void {
    this.inTurn(() => this.bringUp());
  }

  /** Start afresh, forgetting earlier failures. */
  async restart(): Promise<void> {
    this.backoff.reset();
    this.complaint = "";
    this.inTurn(async () => {
      await this.takeDown();
      await this.bringUp();
    });
    await this.turn;
  }

  async stop(): Promise<void> {
    this.inTurn(() => this.takeDown());
    await this.turn;
  }

  /** Starts and stops wait for each other, whoever asks for them. */
  private inTurn(work: () => Promise<void>): void {
    this.turn = this.turn.then(work).catch((problem: unknown) => this.log.error(String(problem)));
  }

  private async bringUp(): Promise<void> {
    if (this.client) {
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    const found = await this.resolve();
    if ("reason" in found) {
      this.status.show({ ...OFF, state: "error", reason: found.reason });
      if (this.complaint !== found.reason) {
        this.complaint = found.reason;
        this.log.warn(found.reason);
        void offerInstall(found.reason);
      }
      return;
    }
    this.complaint = "";
    this.log.info(`starting ${found.command} ${found.args.join(" ")} (${found.source})`);
    this.status.show({ ...OFF, state: "starting" }, found);
    const client = makeClient(found, this.log, this.pause, {
      status: (status) => this.client === client && this.status.show(status),
      died: () => this.client === client && this.died(),
    });
    this.client = client;
    this.backoff.started();
    try {
      await client.start();
      this.status.show({}, { ...found, version: client.initializeResult?.serverInfo?.version });
    } catch (problem) {
      this.log.error(`${found.command}: ${String(problem)}`);
      if (this.client === client) {
        this.died();
      }
    }
  }

  private async takeDown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const client = this.client;
    this.client = undefined;
    this.status.show(OFF);
    await client?.dispose();
  }

  private died(): void {
    this.client = undefined;
    const wait = this.backoff.next();
    if (wait === undefined) {
      this.log.error("the server stopped again and again; it is left alone now");
      this.status.show({ ...OFF, state: "error", reason: "the server keeps stopping" });
      void this.ask("fim-lsp: the server keeps stopping, so it is not started again.");
      return;
    }
    this.log.warn(`the server stopped; starting it again in ${wait} ms`);
    this.status.show({ ...OFF, state: "error", reason: "the server stopped and is being started again" });
    if (this.backoff.isFirst) {
      void this.ask("fim-lsp: the server stopped and is being started again.");
    }
    this.timer = setTimeout(() => this.start(), wait);
  }

  private async ask(message: string): Promise<void> {
    const choice = await window.showWarningMessage(message, "Show Log", "Restart");
    if (choice === "Show Log") {
      this.log.show();
    } else if (choice === "Restart") {
      await this.restart();
    }
  }
}

function isWanted(document: TextDocument): boolean {
  return languages().includes(document.languageId);
}
