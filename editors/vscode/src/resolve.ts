/** Decide which server to run: settle on a plain value first, act on it elsewhere. */

import { delimiter, dirname, isAbsolute, join } from "node:path";

export interface Server {
  command: string;
  args: string[];
  source: string;
  /** As it told when it started. */
  version?: string;
}

export interface Unresolved {
  reason: string;
}

export const INSIDE = "inside the extension";

export type Resolution = Server | Unresolved;

export interface Surroundings {
  /** `fimLsp.path`, its variables filled in. */
  setting: string;
  /** Folder of the server inside the extension, which a platform's VSIX alone has. */
  inside: string;
  /** The active Python environment's interpreter, when there is one that may be used. */
  python: string | undefined;
  /** The PATH variable. */
  path: string;
  /** Folder of the extension's own environment, which may not exist yet. */
  own: string;
  isWindows: boolean;
  isFile(path: string): boolean;
}

/** Return the server to run, or why there is none. */
export function resolve(around: Surroundings): Resolution {
  const setting = around.setting.trim();
  if (setting) {
    return around.isFile(setting)
      ? serve(setting, "setting fimLsp.path")
      : { reason: `fimLsp.path is ${setting}, which is not a file; mend the setting or empty it.` };
  }
  for (const [source, folders] of places(around)) {
    for (const folder of folders) {
      const command = join(folder, around.isWindows ? "fim-lsp.exe" : "fim-lsp");
      if (around.isFile(command)) {
        return serve(command, source);
      }
    }
  }
  return {
    reason: "No fim-lsp was found inside the extension, in the active Python environment, on PATH or in the extension's own environment.",
  };
}

/** Return the folder of a virtual environment's programs. */
export function programs(environment: string, isWindows: boolean): string {
  return join(environment, isWindows ? "Scripts" : "bin");
}

function* places(around: Surroundings): Iterable<[source: string, folders: string[]]> {
  yield [INSIDE, [around.inside]];
  if (around.python) {
    const beside = dirname(around.python); // conda on Windows keeps programs one level below the interpreter
    yield ["active Python environment", [beside, join(beside, "Scripts")]];
  }
  // A relative entry would let the folder that happens to be open choose the program.
  yield ["PATH", around.path.split(delimiter).filter(isAbsolute)];
  yield ["extension's own environment", [programs(around.own, around.isWindows)]];
}

function serve(command: string, source: string): Server {
  return { command, args: ["serve"], source };
}
