import { expect, test } from "@jest/globals";
import { BatchingEngine } from "../../../src/testbed/fleet/batching-engine.js";

const speed = { maxRows: 2, prefillTokensPerSecond: 1000, stepMs: 10, stepMsPerRow: 1 };
const row = (name: string, newTokens: number, prefillTokens = 0) => ({ name, newTokens, prefillTokens });

const endOfAll = (engine: BatchingEngine<ReturnType<typeof row>>) => {
  const ends: [string, number][] = [];
  for (let end = engine.nextEnd(); end < Infinity; end = engine.nextEnd())
    for (const { name } of engine.advance(end)) ends.push([name, end]);
  return ends;
};

test("a step takes longer with more rows, and the prefill comes before it", () => {
  const engine = new BatchingEngine<ReturnType<typeof row>>(speed);
  engine.add([row("short", 10, 50), row("long", 30)]);
  // 50 ms of prefill, 10 steps of two rows, 20 steps of one.
  expect(endOfAll(engine)).toEqual([
    ["short", 50 + 10 * 12],
    ["long", 50 + 10 * 12 + 20 * 11],
  ]);
});

test("a row that finds no room waits until another ends", () => {
  const engine = new BatchingEngine<ReturnType<typeof row>>(speed);
  engine.add([row("a", 10), row("b", 10), row("c", 5)]);
  expect(endOfAll(engine)).toEqual([
    ["a", 120],
    ["b", 120],
    ["c", 120 + 5 * 11],
  ]);
});

test("a row that comes later slows down those that are there, from then on", () => {
  const engine = new BatchingEngine<ReturnType<typeof row>>(speed);
  engine.add([row("first", 20)]);
  expect(engine.advance(110)).toEqual([]);
  engine.add([row("second", 20)]);
  expect(endOfAll(engine)).toEqual([
    ["first", 110 + 10 * 12],
    ["second", 110 + 10 * 12 + 10 * 11],
  ]);
});

test("rows that are taken out free their places", () => {
  const engine = new BatchingEngine<ReturnType<typeof row>>(speed);
  engine.add([row("a", 10), row("b", 10), row("c", 5)]);
  engine.remove(({ name }) => name === "a");
  expect(endOfAll(engine).map(([name]) => name)).toEqual(["c", "b"]);
  expect(engine.load).toBe(0);
});
