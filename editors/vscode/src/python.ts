/** Ask the Python extension, when it is there, for the active environment. */

import { type Event, type Uri, extensions } from "vscode";

interface PythonApi {
  environments: {
    getActiveEnvironmentPath(resource?: Uri): { path: string };
    resolveEnvironment(path: { path: string }): Promise<{ executable: { uri?: Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath: Event<unknown>;
  };
}

async function api(): Promise<PythonApi | undefined> {
  return extensions.getExtension<PythonApi>("ms-python.python")?.activate();
}

/** Return the active interpreter, if the Python extension knows one. */
export async function activePython(resource: Uri | undefined): Promise<string | undefined> {
  const environments = (await api())?.environments;
  if (!environments) {
    return undefined;
  }
  const found = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
  return found?.executable.uri?.fsPath;
}

/** Call back when another environment becomes the active one. */
export async function watchPython(changed: () => void): Promise<{ dispose(): void } | undefined> {
  return (await api())?.environments.onDidChangeActiveEnvironmentPath(changed);
}
