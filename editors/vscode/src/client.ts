/** One run of the server: a language client with our middleware. */

import { type InlineCompletionItemProvider, type LogOutputChannel, workspace } from "vscode";
import { CloseAction, ErrorAction, LanguageClient, type Middleware, TransportKind } from "vscode-languageclient/node";
import type { Pause } from "./pause.ts";
import type { Server } from "./resolve.ts";
import type { Status } from "./status.ts";
import { traceChannel } from "./trace.ts";

export interface Hearer {
  status(status: Status): void;
  /** The server is gone without having been asked to go. */
  died(): void;
}

/** Return a client that is not started yet. */
export function makeClient(server: Server, log: LogOutputChannel, pause: Pause, hearer: Hearer): LanguageClient {
  const client = new LanguageClient(
    "fimLsp",
    "fim-lsp",
    { command: server.command, args: server.args, transport: TransportKind.stdio },
    {
      documentSelector: languages().flatMap((language) => [
        { scheme: "file", language },
        { scheme: "untitled", language },
      ]),
      outputChannel: log,
      traceOutputChannel: traceChannel(log),
      initializationOptions: workspace.getConfiguration("fimLsp"),
      middleware: middleware(pause),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: (problem) => ({ action: ErrorAction.Continue, message: problem.message, handled: true }),
        closed: () => {
          hearer.died();
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    },
  );
  client.onNotification("fimLsp/status", (status: Status) => hearer.status(status));
  return client;
}

/** Return the language ids to complete in. */
export function languages(): string[] {
  return workspace.getConfiguration("fimLsp").get<string[]>("languages", []);
}

function middleware(pause: Pause): Middleware {
  type Provide = InlineCompletionItemProvider["provideInlineCompletionItems"];
  type Next = (...given: Parameters<Provide>) => ReturnType<Provide>;
  return {
    provideInlineCompletionItems: (document, position, context, token, next: Next) =>
      pause.reason(document) ? [] : next(document, position, context, token),
  } as Middleware;
}
