/** What the status-bar item says, as plain values. */

import type { Server } from "./resolve.ts";

export interface Status {
  state: "off" | "starting" | "loading" | "ready" | "busy" | "error";
  reason: string;
  backend: string;
  lastMs: number | null;
}

export interface Said {
  /** In the bar, behind the icon. */
  bar: string;
  /** To a screen reader. */
  label: string;
  /** On hovering, a line each. */
  lines: string[];
}

/** Put a status into words; `model` is what answers, in the user's terms. */
export function say(status: Status, paused: string | undefined, server: Server | undefined, model: string): Said {
  const { state, reason, backend, lastMs } = status;
  const speed = lastMs === null ? "" : `${Math.round(lastMs)} ms`;
  const known = [backend, speed].filter(Boolean).join(" ");
  const now = paused ? `paused ${paused}` : [state, reason].filter(Boolean).join(": ");
  const lines = [now];
  if (backend) {
    lines.push(`Model: ${backend}, ${model}`);
  }
  if (speed) {
    lines.push(`Last answer: ${speed}`);
  }
  if (server) {
    lines.push(`Server: ${[server.version, `(${server.source})`].filter(Boolean).join(" ")}`, server.command);
  }
  return {
    bar: ["fim-lsp", known].filter(Boolean).join(" "),
    label: [`fim-lsp ${now}`, known].filter(Boolean).join(", "),
    lines,
  };
}
