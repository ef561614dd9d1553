/** How long to wait before the next start, and when to give up. */

const DELAYS_MS = [500, 2_000, 5_000, 15_000, 30_000];
const STABLE_MS = 60_000;

export class Backoff {
  private failures = 0;
  private startedAt = 0;
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  started(): void {
    this.startedAt = this.now();
  }

  /** Return milliseconds to wait after a failure; undefined when it failed too often to go on. */
  next(): number | undefined {
    if (this.startedAt && this.now() - this.startedAt > STABLE_MS) {
      this.failures = 0;
    }
    this.startedAt = 0;
    return DELAYS_MS[this.failures++];
  }

  /** Whether the failure just counted is the first of its row: the one to tell the user of. */
  get isFirst(): boolean {
    return this.failures === 1;
  }

  reset(): void {
    this.failures = 0;
  }
}
