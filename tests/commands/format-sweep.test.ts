import { describe, expect, test } from "@jest/globals";
import pc from "picocolors";
import { countsOf, summaryTable, sweepLine, sweepTable } from "../../src/commands/format-sweep.js";
import type { JournalEntry } from "../../src/run/run-files.js";
import type { SweepReading, SweepRunReading } from "../../src/run/read-sweep.js";
import type { RunReading } from "../../src/run/read-run.js";
import { summariseSweep } from "../../src/sweep/summarise-sweep.js";
import { evaluation } from "../run/run-fixtures.js";

const colors = pc.createColors(false);
const at = (second: number): string => new Date(second * 1000).toISOString();
const opened = (second: number): JournalEntry => ({ event: "opened", at: at(second), pid: 1, versions: {} });
const ended = (second: number): JournalEntry => ({ event: "ended", at: at(second), outcome: "done", message: null });

function runReading(
  name: string,
  status: SweepRunReading["state"]["status"],
  changes: Partial<RunReading> & { readonly iteration?: number; readonly message?: string } = {},
): SweepRunReading {
  const { iteration = 0, message = null, ...inside } = changes;
  const run = {
    ...{ directory: `/s/${name}`, lastCommit: null, metrics: [], evaluation: null, problems: [], journal: [opened(0)] },
    record: { runId: "r", createdAt: at(0), versions: {}, hashes: {}, recipe: { policy: { iterations: 50 } } },
    state: { status: "running", iteration, message },
    ...inside,
  } as unknown as RunReading;
  return {
    ...{ name, configuration: name.replace(/-seed\d+$/, ""), directory: `/s/${name}`, recipe: "/r.json", settings: [] },
    ...{ seed: 1, recipeHash: "", job: null, launchedAt: null, problem: null },
    state: { status, iteration, message },
    run: status === "waiting" ? null : run,
  };
}

const validation = { stage: "validation", iteration: 10, metrics: { score: 0.5, kl: 2 } };
const runs = [
  runReading("a-seed1", "done", {
    iteration: 50,
    evaluation: evaluation(),
    journal: [opened(0), ended(60), opened(100), ended(105)],
  }),
  runReading("a-seed2", "done", { iteration: 50, evaluation: evaluation(), journal: [opened(0), ended(30)] }),
  runReading("b-seed1", "running", { iteration: 12, metrics: [validation] }),
  runReading("b-seed2", "running", { metrics: [{ stage: "sft", iteration: 3, metrics: {} }] }),
  runReading("c-seed1", "failed", { message: "the loss is NaN\nmore" }),
  runReading("c-seed2", "waiting"),
];
const reading: SweepReading = { directory: "/s", name: "sweep", createdAt: at(0), runs, problems: [] };

describe("the table of a sweep", () => {
  test("shows how far each run is, by responses from the prompt, and how long it worked", () => {
    const lines = sweepTable(reading, { colors, now: 200_000 }).map((line) => line.replaceAll(/ {2,}/g, " | "));
    expect(lines).toEqual([
      expect.stringMatching(/^run \| state \| iteration/),
      "a-seed1 | done | 50/50 | 1.24 | 6.80 | 1 min 05 s",
      "a-seed2 | done | 50/50 | 1.24 | 6.80 | 30 s",
      "b-seed1 | running | 12/50 | 0.50 | 2.00 | 3 min 20 s",
      "b-seed2 | running | sft | – | – | 3 min 20 s",
      expect.stringMatching(/^c-seed1 \| failed/),
      expect.stringMatching(/^c-seed2 \| waiting \| – \| –/),
      "sweep: 2 running, 2 done, 1 failed, 1 waiting",
    ]);
  });

  test("fits the terminal: what is under way and what failed first, the ends of names", () => {
    const many = {
      ...reading,
      runs: [...Array.from({ length: 50 }, (_, i) => runReading(`${"x".repeat(90)}${i}`, "waiting")), ...runs],
    };
    const lines = sweepTable(many, { colors, now: 0, columns: 90, rows: 8 });
    expect(lines.length).toBeLessThan(8);
    for (const line of lines) expect(line.length).toBeLessThan(90);
    expect(lines.slice(1, 4).map((line) => line.split(" ")[0])).toEqual(["b-seed1", "b-seed2", "c-seed1"]);
    expect(lines.at(-1)).toMatch(/51 waiting; 52 not shown$/);
  });

  test("is lines where there is no terminal", () => {
    expect(runs.map((run) => sweepLine(run, 0))).toEqual([
      "a-seed1: done, score 1.24, KL 6.80, 1 min 05 s",
      "a-seed2: done, score 1.24, KL 6.80, 30 s",
      "b-seed1: running, iteration 12/50, score 0.50, KL 2.00",
      "b-seed2: running, sft",
      "c-seed1: failed: the loss is NaN",
      "c-seed2: waiting",
    ]);
    expect(countsOf([])).toBe("");
  });

  test("sums up configurations over the seeds that are through", () => {
    const other = evaluation();
    const better = { ...other, policy: { ...other.policy, score: { ...other.policy.score, mean: 2.24 } } };
    const two = { ...reading, runs: [runs[0]!, runReading("a-seed2", "done", { evaluation: better }), runs[4]!] };
    const text = summaryTable(summariseSweep(two), colors)
      .split("\n")
      .map((line) => line.replaceAll(/ {2,}/g, " | "));
    // (1.24 + 2.24) / 2, and 1 / sqrt(2)
    expect(text[1]).toMatch(/^a \| 2\/2 \| 1\.74 ± 0\.71 \| 6\.80 ± 0\.00 \| 74\.2 ± 0\.0$/);
    expect(text[2]).toMatch(/^c \| 0\/1 \| – \| – \| –$/);
  });
});
