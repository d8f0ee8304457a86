import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { status } from "@grpc/grpc-js";
import { DivergedError, InterruptedError } from "../../src/errors.js";
import type { Progress } from "../../src/ports/progress.js";
import type { Commit, MetricsLine } from "../../src/ports/run-directory.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import {
  EOS,
  MAX_TOKENS,
  newTinyRun,
  PROMPT,
  runTiny,
  silent,
  startTinyTestbed,
  tinyRecipe,
  type TinyRun,
} from "./tiny-run.js";

let testbed: Testbed;
beforeEach(async () => {
  testbed = await startTinyTestbed();
});
afterEach(() => testbed.close());

const linesOf = async ({ directory }: TinyRun, file: string): Promise<unknown[]> =>
  (await readFile(join(directory, file), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

const metricsOf = async (run: TinyRun, stage: string) =>
  ((await linesOf(run, "metrics.jsonl")) as MetricsLine[]).filter((line) => line.stage === stage);

/** Aborts when a task of this label has done so many units. */
function abortAt(label: string, done: number): { signal: AbortSignal; progress: Progress } {
  const controller = new AbortController();
  const progress: Progress = {
    ...silent,
    start: (started) => ({
      update: (units) => {
        if (started === label && units === done) controller.abort();
      },
      end: () => {},
    }),
  };
  return { signal: controller.signal, progress };
}

/** The journal without what differs between generations of a run. */
async function weightsOf(run: TinyRun, bed: Testbed, runId: string) {
  const rollouts = await linesOf(run, "rollouts/000012.jsonl");
  const policy = bed.policy(runId, "policy");
  return { logits: [policy(PROMPT), policy([...PROMPT, 1]), policy([...PROMPT, 1, 3])], rollouts: rollouts.length };
}

describe("a whole recipe", () => {
  test("DR-PO raises the exact probability of what people like, from the prompt", async () => {
    const run = await newTinyRun();
    const { evaluation, runId } = await runTiny(testbed, run);
    const tree = { context: PROMPT, maxNewTokens: MAX_TOKENS, eosTokenId: EOS };
    const goodness = (model: string) =>
      expectedReturn(testbed.policy(runId, model), tree, ({ tokens }) =>
        tokens.reduce((sum, token) => sum + (token === 1 ? 1 : token === 2 ? -1 : 0), 0),
      );
    expect(goodness("policy")).toBeGreaterThan(goodness("reference") + 0.5);
    expect(evaluation.difference.score.low).toBeGreaterThan(0);
    expect(evaluation.difference.judgeWinRate!.low).toBeGreaterThan(0.5);
    expect(evaluation.rewardAccuracy?.mean).toBeGreaterThan(0.6);
    expect(evaluation.sft.klK1).toEqual({ mean: 0, low: 0, high: 0, n: 200 });
    expect((await linesOf(run, "evaluation/policy.jsonl")).length).toBe(200);
  });

  test("a second run reuses the stages, and with proportion 0 is PPO", async () => {
    const run = await newTinyRun();
    await runTiny(testbed, run);
    const steps = testbed.faults.callsOf("OptimizerStep");
    const second = { ...run, directory: `${run.directory}-ppo` };
    await runTiny(testbed, second, { recipe: tinyRecipe({ policy: { reset: { proportion: 0 }, iterations: 3 } }) });
    // 3 iterations of 2 epochs on policy and critic, and nothing else.
    expect(testbed.faults.callsOf("OptimizerStep") - steps).toBe(3 * 2 * 2);
    expect((await metricsOf(second, "policy")).map(({ metrics }) => metrics["prefixTokens"])).toEqual([0, 0, 0]);
    expect(await metricsOf(second, "sft")).toEqual([]);
  });

  test.each([
    ["sft", 3],
    ["reward", 10],
    ["policy", 5],
    ["policy", 12],
    ["evaluate policy", 150],
  ])("stopped in %s at %i and resumed on a fresh server, it ends with the same weights", async (label, done) => {
    const whole = await newTinyRun();
    const { runId, evaluation } = await runTiny(testbed, whole);
    const expected = await weightsOf(whole, testbed, runId);

    const other = await startTinyTestbed();
    try {
      const broken = await newTinyRun();
      await expect(runTiny(other, broken, abortAt(label, done))).rejects.toThrow(InterruptedError);
      other.restart();
      const resumed = await runTiny(other, broken, { resume: true });
      expect(await weightsOf(broken, other, resumed.runId)).toEqual(expected);
      expect(resumed.evaluation).toEqual(evaluation);
      expect((await metricsOf(broken, "policy")).map(({ iteration }) => iteration)).toEqual(
        Array.from({ length: 12 }, (_, i) => i + 1),
      );
    } finally {
      await other.close();
    }
  });

  test.each([
    "SampleRollouts",
    "Forward",
    "ForwardBackward",
    "OptimizerStep",
    "SaveCheckpoint",
    "ScoreRollouts",
    "CreateModel",
  ])("a %s whose answer is lost happens once", async (rpc) => {
    const whole = await newTinyRun();
    const { runId } = await runTiny(testbed, whole);
    const other = await startTinyTestbed();
    try {
      for (let i = 0; i < 2; i++) other.faults.failNext(rpc, { code: status.UNAVAILABLE, when: "after" });
      const faulty = await newTinyRun();
      const { runId: otherId } = await runTiny(other, faulty);
      expect(await weightsOf(faulty, other, otherId)).toEqual(await weightsOf(whole, testbed, runId));
    } finally {
      await other.close();
    }
  });

  test("keeps the last two checkpoints and the best", async () => {
    const run = await newTinyRun();
    await runTiny(testbed, run);
    const { commit } = (await linesOf(run, "journal.jsonl")).at(-1) as { commit: Commit };
    expect(commit.iteration).toBe(12);
    const stored = Array.from(
      { length: 12 },
      (_, i) => `checkpoints/iteration-${String(i + 1).padStart(6, "0")}`,
    ).filter((uri) => testbed.store.read(uri) !== undefined);
    expect(stored).toEqual([...new Set([commit.best!.checkpoint.uri, ...commit.kept.slice(-2)])].sort());
  });

  test("a KL beyond its limit stops the run with the last commit kept", async () => {
    const run = await newTinyRun();
    const recipe = tinyRecipe({ policy: { maxKl: 0.2, optimizer: { learningRate: 3 } } });
    await expect(runTiny(testbed, run, { recipe })).rejects.toThrow(DivergedError);
    const { commit } = (await linesOf(run, "journal.jsonl")).at(-1) as { commit: Commit };
    expect(commit.iteration).toBeGreaterThanOrEqual(1);
  });
});
