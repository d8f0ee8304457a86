import { expect, test } from "@jest/globals";
import { watchSplits } from "../../src/commands/watch-splits.js";
import type { MetricsLine, RunDirectory } from "../../src/ports/run-directory.js";

test("a split is noted once, and is in the metrics of the iteration in which it happened", async () => {
  const notes: string[] = [];
  const lines: MetricsLine[] = [];
  const { onSplit, inMetrics } = watchSplits({ note: (line) => notes.push(line) });
  const run = inMetrics({
    appendMetrics: (line: MetricsLine) => Promise.resolve(void lines.push(line)),
  } as unknown as RunDirectory);
  const append = (iteration: number) => run.appendMetrics({ stage: "policy", iteration, metrics: { score: 1 } });
  await append(1);
  onSplit(1024);
  onSplit(512);
  onSplit(1024);
  await append(2);
  await append(3);
  expect(lines.map(({ metrics }) => metrics)).toEqual([{ score: 1 }, { score: 1, tokenBudget: 512 }, { score: 1 }]);
  expect(notes).toHaveLength(2);
  expect(notes[1]).toMatch(/512 tokens at a time/);
});
