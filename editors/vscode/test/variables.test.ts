import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, fillInAll } from "../src/variables.ts";

const values = { home: "/home/me", folder: "/work/app", environment: { TOOLS: "/opt/tools" } };

const PATHS: [written: string, meant: string][] = [
  ["~/bin/fim-lsp", "/home/me/bin/fim-lsp"],
  ["~", "/home/me"],
  ["~other/fim-lsp", "~other/fim-lsp"],
  ["/a/~/b", "/a/~/b"],
  ["${workspaceFolder}/.venv/bin/fim-lsp", "/work/app/.venv/bin/fim-lsp"],
  ["${userHome}/fim-lsp", "/home/me/fim-lsp"],
  ["${env:TOOLS}/fim-lsp", "/opt/tools/fim-lsp"],
  ["${env:NOTHING}/fim-lsp", "${env:NOTHING}/fim-lsp"],
  ["${file}/fim-lsp", "${file}/fim-lsp"],
];

for (const [written, meant] of PATHS) {
  test(`${written} is ${meant}`, () => assert.equal(fillIn(written, values), meant));
}

test("without a folder that may be used, its name stays what it is", () => {
  assert.equal(fillIn("${workspaceFolder}/x", { ...values, folder: undefined }), "${workspaceFolder}/x");
});

test("nested settings are filled in, and nothing but texts is touched", () => {
  const given = { gpt: { model: "~/models/big", bits: 8 }, languages: ["python"], words: true, none: null };
  assert.deepEqual(fillInAll(given, values), { ...given, gpt: { model: "/home/me/models/big", bits: 8 } });
});
