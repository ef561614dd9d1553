/** Our settings as the user has them, their paths filled in. */

import { homedir } from "node:os";
import { workspace } from "vscode";
import { type Values, fillInAll } from "./variables.ts";

/** Return one setting. */
export function setting<T>(key: string, otherwise: T): T {
  return filled(workspace.getConfiguration("fimLsp").get(key, otherwise));
}

/** Return settings with their paths filled in; a folder that is not trusted lends its name to none. */
export function filled<T>(settings: T): T {
  const values: Values = {
    home: homedir(),
    folder: workspace.isTrusted ? workspace.workspaceFolders?.[0]?.uri.fsPath : undefined,
    environment: process.env,
  };
  return fillInAll(settings, values) as T;
}

/** Return all of them as plain JSON. */
export function settings(): unknown {
  return filled(JSON.parse(JSON.stringify(workspace.getConfiguration("fimLsp"))));
}

/** Return which model of a backend answers: what a setting names, or the shipped one. */
export function model(backend: string): string {
  if (backend === "remote") {
    return setting("remote.model", "") || setting("remote.url", "");
  }
  return setting(`${backend}.model`, "") || "the shipped one";
}

/** Return the language ids to complete in. */
export function languages(): string[] {
  return setting<string[]>("languages", []);
}
