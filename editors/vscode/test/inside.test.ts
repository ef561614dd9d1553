import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderInside, makeExecutable } from "../src/inside.ts";

const SKIPS = process.platform === "win32" ? "Windows has no such bit" : false;

test("a program that lost its bit when it was unpacked can be run again", { skip: SKIPS }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fim-lsp-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "fim-lsp");
  writeFileSync(program, "", { mode: 0o644 });
  makeExecutable(program);
  assert.equal(statSync(program).mode & 0o111, 0o111);
});

test("a program that is not there is left to whoever starts it", () => {
  makeExecutable(join(folderInside("/nowhere"), "fim-lsp"));
});
