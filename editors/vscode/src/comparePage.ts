/** The comparison as a page: a plain value in, HTML out. */

import { SCRIPT, STYLE } from "./compareLook.ts";
import type { Comparison, Run, Side } from "./comparison.ts";

export interface Scene {
  /** File and line, for the title. */
  name: string;
  /** The lines above the cursor and its own, up to it. */
  before: string;
  /** The rest of its line and the lines below. */
  after: string;
}

const NAMES: Record<string, string> = { gpt: "GPT-style decoder", bert: "BERT-style infiller" };
/** The colours of stages; reading and writing have the same in both families. */
const COLOURS: Record<string, string> = { prefill: "read", read: "read", decode: "write", fill: "write", filters: "fit" };
const CONDITIONS = ["cold", "warm"] as const;
const SCALE = 1000;
const TELLING_MS = 0.5;

/** Return the page; `nonce` is what its style and its script may run by. */
export function render(found: Comparison, scene: Scene, nonce: string): string {
  const runs = found.sides.flatMap((side) => Object.values(side.runs));
  const longest = Math.max(...runs.map((run) => run.totalMs), 1);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<style nonce="${nonce}">${STYLE}</style>
<title>BERT and GPT</title>
</head>
<body>
<header>
<p><strong>${escape(scene.name)}</strong> ${route(found)}</p>
<button class="quiet" data-say='{"again":true}' data-key="r">Run again <kbd>R</kbd></button>
</header>
<main>${found.sides.map((side, at) => card(side, at + 1, found, scene, longest)).join("")}</main>
<footer>Both were asked the same in turns; times are ${found.rounds > 1 ? `the median of ${found.rounds} rounds` : "of one round"}.
Cold: nothing kept from before. Warm: the decoder still holds the keys and values of this place, as while typing.</footer>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>`;
}

function card(side: Side, key: number, found: Comparison, scene: Scene, longest: number): string {
  const isTaken = side.family === found.taken;
  const badge = isTaken ? '<span class="badge">taken</span>' : "";
  const head = `<h2>${escape(NAMES[side.family] ?? side.family)} ${badge}</h2>`;
  const body = side.error
    ? `<p class="error" role="alert">${escape(side.error)}</p>`
    : facts(side, found.choice.expectedMs[side.family]) + code(side, scene) + verdict(side, key) + bars(side, longest);
  return `<section class="${isTaken ? "side taken" : "side"}" data-family="${escape(side.family)}">${head}${body}</section>`;
}

function facts(side: Side, expectedMs: number | undefined): string {
  const expected = expectedMs === undefined ? "" : `<span>${expectedMs.toFixed(0)} ms expected</span>`;
  return `<p class="facts">${CONDITIONS.map((name) => time(name, side.runs[name])).join("")}${expected}</p>`;
}

function time(name: string, run: Run | undefined): string {
  return run ? `<span><b>${run.totalMs.toFixed(0)}</b> ms ${name}</span> ` : "";
}

function code(side: Side, scene: Scene): string {
  const span = side.item?.range;
  const after = scene.after.slice(span ? span.end.character - span.start.character : 0);
  const indent = commonIndent(scene);
  const before = outdent(`\n${scene.before}`, indent).slice(1);
  const shown = side.item ? `<ins>${escape(outdent(side.item.insertText, indent))}</ins>` : '<span class="cursor"></span>';
  return `<pre>${escape(before)}${shown}${escape(outdent(after, indent))}</pre>`;
}

/** Return how many blanks every line begins with that has anything else. */
function commonIndent({ before, after }: Scene): number {
  const lines = `${before}.${after}`.split("\n").filter((line) => line.trim());
  return Math.min(...lines.map((line) => line.length - line.trimStart().length));
}

function outdent(text: string, indent: number): string {
  return text.replaceAll(new RegExp(`\n[ \t]{0,${indent}}`, "g"), "\n");
}

function verdict(side: Side, key: number): string {
  const insert = `<button data-say='{"insert":${key - 1}}' data-key="${key}">Insert <kbd>${key}</kbd></button>`;
  const sure = side.confidence === null ? "" : `${Math.round(100 * side.confidence)} % sure`;
  return `<p class="verdict">${side.item ? `${insert} ${sure}` : `Nothing to show: ${escape(side.reason)}.`}</p>`;
}

function bars(side: Side, longest: number): string {
  return CONDITIONS.map((name) => (side.runs[name] ? bar(name, side.runs[name], longest) : "")).join("");
}

function bar(name: string, run: Run, longest: number): string {
  const stages = stagesOf(run);
  let x = 0;
  const parts = stages.map(([stage, ms]) => {
    const width = (SCALE * ms) / longest;
    const part = `<rect class="${COLOURS[stage] ?? "rest"}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="10"/>`;
    x += width;
    return part;
  });
  const legend = stages
    .filter(([, ms]) => ms >= TELLING_MS)
    .map(([stage, ms]) => `<li class="${COLOURS[stage] ?? "rest"}">${escape(stage)} ${ms.toFixed(1)}</li>`);
  const tokens = Object.entries(run.tokens).map(([what, count]) => `${count} ${escape(what)}`);
  return `<figure><figcaption><b>${name}</b> ${run.totalMs.toFixed(1)} ms</figcaption>
<svg viewBox="0 0 ${SCALE} 10" preserveAspectRatio="none" aria-hidden="true">${parts.join("")}</svg>
<ul>${legend.join("")}</ul><p class="tokens">${tokens.join(", ")}</p></figure>`;
}

/** Return (stage, milliseconds) in the order they ran, and what no stage accounts for. */
export function stagesOf(run: Run): [string, number][] {
  const stages = Object.entries(run.timings);
  const known = stages.reduce((sum, [, ms]) => sum + ms, 0);
  return [...stages, ["rest", Math.max(run.totalMs - known, 0)]];
}

function route({ choice, taken }: Comparison): string {
  if (!choice.family) {
    return "goes to nobody: neither family can be loaded.";
  }
  const onward = taken && taken !== choice.family ? `, which hands over to <strong>${escape(taken)}</strong>` : "";
  return `goes to <strong>${escape(choice.family)}</strong>${onward} (${escape(choice.why)}).`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
