/** One run of the server: a language client with our middleware. */

import type { InlineCompletionItemProvider, LogOutputChannel } from "vscode";
import { CloseAction, ErrorAction, LanguageClient, type Middleware, TransportKind } from "vscode-languageclient/node";
import type { Pause } from "./pause.ts";
import type { Server } from "./resolve.ts";
import { filled, languages, settings } from "./settings.ts";
import type { Status } from "./statusText.ts";
import { traceChannel } from "./trace.ts";

/** Files, files to be, and the cells of notebooks: each cell is a document. */
const SCHEMES = ["file", "untitled", "vscode-notebook-cell"];

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
      documentSelector: languages().flatMap((language) => SCHEMES.map((scheme) => ({ scheme, language }))),
      outputChannel: log,
      traceOutputChannel: traceChannel(log),
      initializationOptions: settings(),
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

function middleware(pause: Pause): Middleware {
  type Provide = InlineCompletionItemProvider["provideInlineCompletionItems"];
  type Next = (...given: Parameters<Provide>) => ReturnType<Provide>;
  return {
    provideInlineCompletionItems: (document, position, context, token, next: Next) =>
      pause.reason(document) ? [] : next(document, position, context, token),
    workspace: { configuration: async (asked, token, next) => filled(await next(asked, token)) },
  } as Middleware;
}
