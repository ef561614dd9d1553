import assert from "node:assert/strict";
import { test } from "node:test";
import { type Surroundings, resolve } from "../src/resolve.ts";

/** A machine with these files on it. */
function machine(files: string[], more: Partial<Surroundings> = {}): Surroundings {
  return {
    setting: "",
    inside: "/extension/server",
    python: undefined,
    path: "/usr/bin:/opt/tools",
    own: "/storage/venv",
    isWindows: false,
    isFile: (path) => files.includes(path),
    ...more,
  };
}

const ELSEWHERE = ["/mine/fim-lsp", "/active/bin/fim-lsp", "/opt/tools/fim-lsp", "/storage/venv/bin/fim-lsp"];
const EVERYWHERE = [...ELSEWHERE, "/extension/server/fim-lsp"];

test("the setting wins over the server inside, and that over whatever the machine has", () => {
  const python = "/active/bin/python";
  assert.partialDeepStrictEqual(resolve(machine(EVERYWHERE, { setting: "/mine/fim-lsp", python })), {
    command: "/mine/fim-lsp",
    source: "setting fimLsp.path",
  });
  assert.deepEqual(resolve(machine(EVERYWHERE, { python })), {
    command: "/extension/server/fim-lsp",
    args: ["serve"],
    source: "inside the extension",
  });
});

test("with none inside, the active environment is asked, then PATH, then our own", () => {
  const found = (more: Partial<Surroundings>, files = ELSEWHERE) => resolve(machine(files, more));
  const python = "/active/bin/python";
  assert.deepEqual(found({ setting: "/mine/fim-lsp", python }), {
    command: "/mine/fim-lsp",
    args: ["serve"],
    source: "setting fimLsp.path",
  });
  assert.partialDeepStrictEqual(found({ python }), { command: "/active/bin/fim-lsp", source: "active Python environment" });
  assert.partialDeepStrictEqual(found({}), { command: "/opt/tools/fim-lsp", source: "PATH" });
  assert.partialDeepStrictEqual(found({}, ELSEWHERE.slice(3)), {
    command: "/storage/venv/bin/fim-lsp",
    source: "extension's own environment",
  });
});

test("a setting that names nothing is said, not passed over", () => {
  const answer = resolve(machine(EVERYWHERE, { setting: "/typo/fim-lsp" }));
  assert.ok("reason" in answer && answer.reason.includes("/typo/fim-lsp"));
});

test("a relative entry of PATH is no place to look: it would be the open folder", () => {
  const answer = resolve(machine([".venv/bin/fim-lsp", "fim-lsp"], { path: ".venv/bin::." }));
  assert.ok("reason" in answer);
});

test("on Windows programs end in .exe", () => {
  for (const command of ["/storage/venv/Scripts/fim-lsp.exe", "/extension/server/fim-lsp.exe"]) {
    const answer = resolve(machine([command], { isWindows: true, path: "" }));
    assert.partialDeepStrictEqual(answer, { command });
  }
});
