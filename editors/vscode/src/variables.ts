/** What a person may write in a path: `~`, and some of VS Code's variables, which settings do not fill in by themselves. */

import { join } from "node:path";

export interface Values {
  home: string;
  /** The open folder; undefined where there is none, or none that may be used. */
  folder: string | undefined;
  environment: Record<string, string | undefined>;
}

/** Return a path with everything filled in that is known. */
export function fillIn(path: string, values: Values): string {
  const atHome = /^~(?=$|[\\/])/.test(path) ? join(values.home, path.slice(1)) : path;
  return atHome.replace(/\$\{(?:(workspaceFolder)|(userHome)|env:([^}]+))\}/g, (whole, folder, home, name) =>
    (folder ? values.folder : home ? values.home : values.environment[name]) ?? whole,
  );
}

/** Return settings, nested as they are, with every text filled in. */
export function fillInAll(settings: unknown, values: Values): unknown {
  if (typeof settings === "string") {
    return fillIn(settings, values);
  }
  if (Array.isArray(settings)) {
    return settings.map((one) => fillInAll(one, values));
  }
  if (settings !== null && typeof settings === "object") {
    return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, fillInAll(value, values)]));
  }
  return settings;
}
