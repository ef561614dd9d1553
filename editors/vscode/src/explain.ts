/** Tell a person what the server did, as a page of Markdown. */

export interface Explanation {
  backend: string;
  why: string;
  reason: string;
  shown: string[];
  timings: Record<string, number>;
  tokens: Record<string, number>;
}

/** Return the page for an answer of `fimLsp/explain`. */
export function render(answer: Explanation, language: string): string {
  const outcome = answer.shown.length
    ? `${answer.shown.length} suggestion${answer.shown.length > 1 ? "s" : ""} shown`
    : `nothing shown: ${answer.reason || "the model had nothing to add"}`;
  const backend = answer.backend ? `Backend **${answer.backend}**${answer.why ? ` (${answer.why})` : ""}` : "No backend was asked";
  return [
    "# fim-lsp: the last answer",
    `${backend}; ${outcome}.`,
    ...answer.shown.map((text) => fenced(text, language)),
    table("stage", "ms", answer.timings, (ms) => ms.toFixed(1)),
    table("tokens", "count", answer.tokens, String),
  ]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}

function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

function table(name: string, unit: string, rows: Record<string, number>, show: (value: number) => string): string {
  const lines = Object.entries(rows).map(([key, value]) => `| ${key.replace(/_ms$/, "")} | ${show(value)} |`);
  return lines.length ? [`| ${name} | ${unit} |`, "|---|--:|", ...lines].join("\n") : "";
}
