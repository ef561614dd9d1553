import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/backoff.ts";

test("waits grow, only the first failure is told, and in the end it gives up", () => {
  const backoff = new Backoff(() => 0);
  const waits = [];
  const told = [];
  for (let wait = backoff.next(); wait !== undefined; wait = backoff.next()) {
    waits.push(wait);
    told.push(backoff.isFirst);
  }
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.deepEqual(told, [true, ...waits.slice(1).map(() => false)]);
  backoff.reset();
  assert.equal(backoff.next(), waits[0]);
});

test("a server that lived a while begins a new row", () => {
  let now = 1;
  const backoff = new Backoff(() => now);
  const first = backoff.next();
  backoff.next();
  backoff.started();
  now += 61_000;
  assert.equal(backoff.next(), first);
});
