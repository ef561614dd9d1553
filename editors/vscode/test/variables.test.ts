import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, fillInAll } from "../src/variables.ts";

const values = { home: "/home/ada", folder: "/home/ada/app", environment: { TOOLS: "/opt/tools" } };

const PATHS: [written: string, meant: string][] = [
  ["~/bin/fim-lsp", "/home/ada/bin/fim-lsp"],
  ["~", "/home/ada"],
  ["~other/fim-lsp", "~other/fim-lsp"],
  ["/a/~/b", "/a/~/b"],
  ["${workspaceFolder}/.venv/bin/fim-lsp", "/home/ada/app/.venv/bin/fim-lsp"],
  ["${userHome}/fim-lsp", "/home/ada/fim-lsp"],
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
  assert.deepEqual(fillInAll(given, values), { ...given, gpt: { model: "/home/ada/models/big", bits: 8 } });
});
