import assert from "node:assert/strict";
import { test } from "node:test";
import { render, stagesOf } from "../src/comparePage.ts";
import type { Side } from "../src/comparison.ts";

const SCENE = { name: "a<b>.py, line 1", before: 'if x < "', after: ")) & y" };

function side(family: string, more: Partial<Side> = {}): Side {
  const range = { start: { line: 0, character: 8 }, end: { line: 0, character: 10 } };
  const run = { totalMs: 40, timings: { context: 1, prefill: 20, decode: 15 }, tokens: { prefilled: 12, decoded: 3 } };
  return { family, error: "", item: { insertText: "<script>", range }, confidence: 0.734, reason: "", runs: { cold: run }, ...more };
}

const CHOICE = { family: "gpt", why: "why <it>", expectedMs: { gpt: 31.4 } };

function page(...sides: Side[]): string {
  return render({ reason: "", choice: CHOICE, taken: "gpt", rounds: 3, sides }, SCENE, "n0nce");
}

test("text of the document and of the models is never markup", () => {
  const html = page(side("gpt"), side("bert", { error: "<img src=x>" }));
  assert.ok(!html.includes("<script>") && !html.includes("<img") && !html.includes("<it>") && !html.includes("<b>.py"));
  assert.ok(html.includes("&#60;script&#62;"));
});

test("only the page's own style and script may run, and nothing is loaded", () => {
  const html = page(side("gpt"));
  assert.match(html, /default-src 'none'; style-src 'nonce-n0nce'; script-src 'nonce-n0nce'/);
  assert.doesNotMatch(html, /(src|href|style)=/);
});

test("the suggestion stands between what is before and after it, and hides what it replaces", () => {
  assert.ok(page(side("gpt")).includes("if x &#60; &#34;<ins>&#60;script&#62;</ins> &#38; y</pre>"));
});

test("what all lines are indented by is left out, of the suggestion too", () => {
  const scene = { name: "a.py, line 3", before: "    if x:\n\n        ", after: "\n    y()" };
  const item = { insertText: "a()\n        b()", range: { start: { line: 2, character: 8 }, end: { line: 2, character: 8 } } };
  const found = { reason: "", choice: CHOICE, taken: "gpt", rounds: 1, sides: [side("gpt", { item })] };
  assert.ok(render(found, scene, "n").includes("<pre>if x:\n\n    <ins>a()\n    b()</ins>\ny()</pre>"));
});

test("the one that is taken is marked, with why and the expected costs", () => {
  const html = page(side("gpt"), side("bert"));
  assert.match(html, /class="side taken" data-family="gpt"/);
  assert.match(html, /class="side" data-family="bert"/);
  assert.ok(html.includes("why &#60;it&#62;") && html.includes("31 ms expected"));
  assert.doesNotMatch(html, /hands over/);
});

test("the one that is handed over to is the one that is taken", () => {
  const found = { reason: "", choice: CHOICE, taken: "bert", rounds: 1, sides: [side("gpt"), side("bert")] };
  const html = render(found, SCENE, "n0nce");
  assert.match(html, /class="side taken" data-family="bert"/);
  assert.match(html, /goes to <strong>gpt<\/strong>, which hands over to <strong>bert<\/strong>/);
});

test("without any weights there are only errors", () => {
  const found = { reason: "", choice: { family: "", why: "", expectedMs: {} }, taken: "", rounds: 0, sides: [] };
  const failed = ["gpt", "bert"].map((family) => side(family, { error: `no ${family}`, runs: {} }));
  const html = render({ ...found, sides: failed }, SCENE, "n0nce");
  assert.ok(html.includes("no gpt") && html.includes("no bert") && html.includes("goes to nobody"));
  assert.doesNotMatch(html, /class="side taken"/);
});

test("a side without a suggestion says why and cannot be inserted; one that failed shows its error only", () => {
  const html = page(side("gpt", { item: null, confidence: null, reason: "deadline" }), side("bert", { error: "no weights", runs: {} }));
  assert.ok(html.includes("Nothing to show: deadline.") && html.includes("no weights"));
  assert.doesNotMatch(html, /data-key="\d/);
  assert.equal(html.match(/<svg/g)?.length, 1);
});

test("stages add up to the whole, and bars of both sides have one scale", () => {
  const slow = { totalMs: 80, timings: { read: 60 }, tokens: {} };
  const stages = stagesOf(slow);
  assert.deepEqual(stages, [["read", 60], ["rest", 20]]);
  const html = page(side("gpt"), side("bert", { runs: { cold: slow } }));
  const widths = [...html.matchAll(/width="([\d.]+)" height/g)].map((found) => Number(found[1]));
  assert.deepEqual(widths, [12.5, 250, 187.5, 50, 750, 250]);
});
