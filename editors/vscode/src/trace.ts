/** Let `fimLsp.trace.server` alone decide what is traced: the client library would go by the channel's log level. */

import { EventEmitter, type LogOutputChannel, LogLevel, workspace } from "vscode";

/** Return a channel for traces that writes to the log, and is on exactly when the setting says so. */
export function traceChannel(log: LogOutputChannel): LogOutputChannel {
  const levels = new EventEmitter<LogLevel>();
  const watch = workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration("fimLsp.trace.server")) {
      levels.fire(level());
    }
  });
  const own: Partial<LogOutputChannel> = {
    onDidChangeLogLevel: levels.event,
    trace: (message, ...more) => log.info(message, ...more),
    dispose: () => {
      watch.dispose();
      levels.dispose();
    },
  };
  return new Proxy(log, {
    get: (target, name) => (name === "logLevel" ? level() : (Reflect.get(own, name) ?? Reflect.get(target, name))),
  });
}

function level(): LogLevel {
  return workspace.getConfiguration("fimLsp").get("trace.server") === "off" ? LogLevel.Info : LogLevel.Trace;
}
