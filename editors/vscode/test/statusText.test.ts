import assert from "node:assert/strict";
import { test } from "node:test";
import { type Status, say } from "../src/statusText.ts";

const READY: Status = { state: "ready", reason: "", backend: "gpt", lastMs: 119.6 };
const SERVER = { command: "/x/server/fim-lsp", args: ["serve"], source: "inside the extension", version: "0.1.0" };

test("model, speed and server are told, in the bar as short as can be", () => {
  assert.deepEqual(say(READY, undefined, SERVER, "the shipped one"), {
    bar: "fim-lsp gpt 120 ms",
    label: "fim-lsp ready, gpt 120 ms",
    lines: [
      "ready",
      "Model: gpt, the shipped one",
      "Last answer: 120 ms",
      "Server: 0.1.0 (inside the extension)",
      "/x/server/fim-lsp",
    ],
  });
});

test("what is not known yet is not told", () => {
  const status: Status = { state: "error", reason: "no model", backend: "", lastMs: null };
  assert.deepEqual(say(status, undefined, undefined, ""), {
    bar: "fim-lsp",
    label: "fim-lsp error: no model",
    lines: ["error: no model"],
  });
});

test("a pause is told instead of the state", () => {
  const said = say(READY, "in this file", undefined, "");
  assert.deepEqual([said.label, said.lines[0]], ["fim-lsp paused in this file, gpt 120 ms", "paused in this file"]);
});
