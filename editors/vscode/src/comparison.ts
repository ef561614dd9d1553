/** The server's answer to `fimLsp/compare`. */

export interface Comparison {
  /** Why there are no sides, "" when there are. */
  reason: string;
  /** Whom a request goes to first. */
  choice: { family: string; why: string; expectedMs: Record<string, number> };
  /** Whose answer it brings back, "" when nobody's. */
  taken: string;
  rounds: number;
  sides: Side[];
}

export interface Side {
  family: string;
  /** Why it could not be loaded. */
  error: string;
  item: { insertText: string; range: { start: Position; end: Position } } | null;
  confidence: number | null;
  /** Why it has nothing to show. */
  reason: string;
  runs: Partial<Record<"cold" | "warm", Run>>;
}

export interface Run {
  totalMs: number;
  timings: Record<string, number>;
  tokens: Record<string, number>;
}

interface Position {
  line: number;
  character: number;
}
