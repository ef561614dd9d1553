/** Install the server into an environment of the extension's own, when the user asks for it. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type CancellationToken, type LogOutputChannel, type Progress, ProgressLocation, commands, window } from "vscode";
import { programs } from "./resolve.ts";
import { setting } from "./settings.ts";

const IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))";

/** Say that there is no server and what can be done. */
export async function offerInstall(reason: string): Promise<void> {
  const choice = await window.showWarningMessage(`fim-lsp: ${reason}`, "Install", "Open Settings");
  if (choice === "Install") {
    await commands.executeCommand("fimLsp.install");
  } else if (choice === "Open Settings") {
    await commands.executeCommand("workbench.action.openSettings", "fimLsp.path");
  }
}

/** Make the environment and install into it, with progress; returns whether it worked. */
export async function install(own: string, python: string | undefined, log: LogOutputChannel): Promise<boolean> {
  const what = setting("installFrom", "fim-lsp[weights]");
  const weights = join(what, "models"); // a clone's; those of a package name come with its extra
  const title = `Installing ${what} for fim-lsp`;
  try {
    await window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        const run = runner(dirname(own), log, progress, token);
        const base = await firstThatRuns([python, "python3", "python", "py"], (name) => run(name, ["-c", IS_NEW_ENOUGH]));
        rmSync(own, { recursive: true, force: true });
        await run(base, ["-m", "venv", own]);
        const pip = ["-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off", what];
        if (existsSync(join(weights, "pyproject.toml"))) {
          pip.push(weights);
        }
        await run(join(programs(own, process.platform === "win32"), "python"), pip);
      },
    );
    return true;
  } catch (problem) {
    rmSync(own, { recursive: true, force: true }); // half an environment would be found and fail at each start
    log.error(`installing ${what}: ${String(problem)}`);
    const choice = await window.showErrorMessage(`fim-lsp: ${String(problem)}`, "Show Log");
    if (choice) {
      log.show();
    }
    return false;
  }
}

async function firstThatRuns(names: (string | undefined)[], attempt: (name: string) => Promise<void>): Promise<string> {
  for (const name of names) {
    if (name && (await attempt(name).then(() => true, () => false))) {
      return name;
    }
  }
  throw new Error("no Python 3.11 or newer was found; install one, or set fimLsp.path to a fim-lsp of yours.");
}

/** Return a function that runs a program to its end, its lines going to the log and the notification. */
function runner(cwd: string, log: LogOutputChannel, progress: Progress<{ message: string }>, token: CancellationToken) {
  mkdirSync(cwd, { recursive: true });
  return (command: string, args: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      log.info(`${command} ${args.join(" ")}`);
      // Not in the workspace: `python -m` imports from the folder it is started in.
      const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
      const stop = token.onCancellationRequested(() => child.kill());
      let last = "";
      const hear = (data: Buffer) => {
        for (const line of data.toString().split(/\r?\n/).filter((text) => text.trim())) {
          last = line.trim();
          log.info(last);
          progress.report({ message: last.slice(0, 80) });
        }
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("error", reject);
      child.on("close", (code) => {
        stop.dispose();
        if (code === 0) {
          resolve();
        } else {
          reject(new Error(token.isCancellationRequested ? "the installation was cancelled." : `${command} failed: ${last}`));
        }
      });
    });
}
