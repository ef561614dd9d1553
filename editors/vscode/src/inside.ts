/** The server that a platform's VSIX carries inside; other VSIX have none. */

import { accessSync, chmodSync, constants } from "node:fs";
import { join } from "node:path";

/** Return the folder it lies in, whether or not it is there. */
export function folderInside(extension: string): string {
  return join(extension, "server");
}

/** Let a program be run: not every unpacker keeps that bit. Where it cannot be set, starting it tells why. */
export function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    try {
      chmodSync(program, 0o755);
    } catch {
      // a folder that is not ours to change
    }
  }
}
