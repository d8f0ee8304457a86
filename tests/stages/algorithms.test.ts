import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type RegisteredRecipe, registeredRecipeSchema } from "../../src/commands/registry.js";
import { InterruptedError } from "../../src/errors.js";
import type { MetricsLine } from "../../src/ports/run-directory.js";
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
let shared: TinyRun;
beforeAll(async () => {
  testbed = await startTinyTestbed();
  shared = await newTinyRun();
});
afterAll(() => testbed.close());

interface StoredRollout {
  readonly row: number;
  readonly prefix: readonly number[];
  readonly generated: readonly number[];
  readonly sourceId: string | null;
  readonly fraction?: number;
  readonly parent?: { readonly iteration: number; readonly row: number; readonly continuation: number };
  readonly firstActionByReference?: boolean;
  readonly score: number;
}

const linesOf = async (directory: string, file: string): Promise<unknown[]> =>
  (await readFile(join(directory, file), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

const rolloutsOf = (directory: string, iteration: number) =>
  linesOf(directory, `rollouts/${String(iteration).padStart(6, "0")}.jsonl`) as Promise<StoredRollout[]>;

const policyMetrics = async (directory: string) =>
  ((await linesOf(directory, "metrics.jsonl")) as MetricsLine[])
    .filter(({ stage }) => stage === "policy")
    .map(({ metrics }) => metrics);

let runs = 0;
/** One more run whose SFT and reward model come from the cache. */
async function train(policy: object, options: Parameters<typeof runTiny>[2] = {}) {
  const directory = `${shared.directory}-${runs++}`;
  const { recipe = recipeOf(policy) } = options;
  const { runId, evaluation } = await runTiny(testbed, { ...shared, directory }, { ...options, recipe });
  return { directory, runId, evaluation };
}

const recipeOf = (policy: object): RegisteredRecipe =>
  "kind" in policy ? registeredRecipeSchema.parse({ ...tinyRecipe(), policy }) : tinyRecipe({ policy });

/** Good words less bad ones, expected exactly, from the prompt. */
const goodness = (runId: string, model: string) =>
  expectedReturn(
    testbed.policy(runId, model),
    { context: PROMPT, maxNewTokens: MAX_TOKENS, eosTokenId: EOS },
    ({ tokens }) => tokens.reduce((sum, token) => sum + (token === 1 ? 1 : token === 2 ? -1 : 0), 0),
  );

const THEORY = { source: { field: "any", minRating: 0 }, selector: { law: "theory" } } as const;
const criticOptimizer = { learningRate: 0.05 };

describe("every algorithm raises the exact probability of what people like, from the prompt", () => {
  test.each([
    ["policyGradient", { kind: "policyGradient", criticOptimizer }, 1],
    ["rloo", { kind: "rloo" }, 4],
    ["grpo", { kind: "grpo", epochs: 2 }, 4],
    ["rebel", { kind: "rebel", eta: 1 }, 2],
    ["npg", { kind: "npg", eta: 1, criticOptimizer: { learningRate: 0.2 } }, 4],
  ])("%s", async (_, algorithm, continuations) => {
    const { runId, directory } = await train({ algorithm, reset: { ...THEORY, continuations } });
    expect(goodness(runId, "policy")).toBeGreaterThan(goodness(runId, "reference") + 0.3);
    const metrics = await policyMetrics(directory);
    expect(metrics).toHaveLength(12);
    for (const one of metrics) {
      for (const value of Object.values(one)) expect(Number.isFinite(value)).toBe(true);
      // float32 on the wire.
      expect(one["samplerTrainerGapMax"]).toBeLessThan(1e-5);
    }
  });

  test("dpo, offline, with no rollout", async () => {
    const { runId, directory } = await train({
      ...{ kind: "dpo", beta: 0.5, epochs: 6, batchSize: 8, optimizer: { learningRate: 0.2 } },
      validation: { every: 10, rollouts: 64 },
    });
    expect(goodness(runId, "policy")).toBeGreaterThan(goodness(runId, "reference") + 0.3);
    const metrics = await policyMetrics(directory);
    expect(metrics.at(-1)!["accuracy"]).toBeGreaterThan(metrics[0]!["accuracy"]!);
    expect(metrics[0]!["policyLoss"]).toBeCloseTo(Math.log(2), 5);
  });

  test("dpo on pairs within the budget alone", async () => {
    const policy = { kind: "dpo", batchSize: 4, optimizer: { learningRate: 0.1 }, validation: { rollouts: 8 } };
    const batches = async (onlyWithinBudget: boolean) => {
      const recipe = { ...recipeOf({ ...policy, onlyWithinBudget }), response: { maxTokens: 3 } };
      return (await policyMetrics((await train({}, { recipe })).directory)).length;
    };
    // Nine of the twelve responses of one and two words, and the end of sequence, are in the training split; with those
    // of three words it has 29.
    expect([await batches(true), await batches(false)]).toEqual([3, 8]);
  });

  test("the KL as a term of the loss holds the policy back, too", async () => {
    const klAtEnd = async (policy: object) => (await policyMetrics((await train(policy)).directory)).at(-1)!["kl"]!;
    const free = await klAtEnd({ klCoef: 0, reset: THEORY });
    const held = await klAtEnd({ klCoef: 1, klPlacement: "loss", reset: THEORY });
    expect(held).toBeLessThan(free / 2);
  });
});

describe("npg", () => {
  test("draws the first action from the even mixture of reference and policy", async () => {
    const reset = { ...THEORY, continuations: 4 };
    const { directory } = await train({
      ...{ algorithm: { kind: "npg", eta: 1, criticOptimizer }, reset, iterations: 4, rolloutsPerIteration: 64 },
      validation: { every: 4, rollouts: 8 },
    });
    const all = (await Promise.all([1, 2, 3, 4].map((iteration) => rolloutsOf(directory, iteration)))).flat();
    const share = all.filter(({ firstActionByReference }) => firstActionByReference).length / all.length;
    expect(all).toHaveLength(256);
    // Five deviations of a fair coin.
    expect(Math.abs(share - 0.5)).toBeLessThan(0.16);
  });
});

describe("resets through the whole loop", () => {
  const short = { iterations: 4, rolloutsPerIteration: 16, validation: { every: 4, rollouts: 8 } };

  test("into the policy's own earlier rollouts: the first iteration has none, later prefixes are of their parents", async () => {
    const source = { kind: "ownRollouts", iterations: 2 };
    const { directory } = await train({ ...short, reset: { source, selector: { law: "theory" } } });
    expect((await rolloutsOf(directory, 1)).every(({ prefix }) => prefix.length === 0)).toBe(true);
    const earlier = new Map(
      (await Promise.all([1, 2].map(async (i) => [i, await rolloutsOf(directory, i)] as const))).map((one) => one),
    );
    const third = await rolloutsOf(directory, 3);
    expect(third.some(({ prefix }) => prefix.length > 0)).toBe(true);
    for (const { parent, prefix } of third) {
      const { prefix: given, generated } = earlier.get(parent!.iteration)!.find(({ row }) => row === parent!.row)!;
      expect([...given, ...generated].slice(0, prefix.length)).toEqual(prefix);
    }
  });

  test("into what the frozen SFT policy writes for the purpose (PPO++)", async () => {
    const source = { kind: "livePolicy", sampling: { topP: 0.92 } };
    const { directory } = await train({ ...short, reset: { source } });
    const rollouts = await rolloutsOf(directory, 2);
    expect(rollouts.filter(({ prefix }) => prefix.length > 0).length).toBeGreaterThan(8);
    for (const { prefix } of rollouts) expect(prefix).not.toContain(EOS);
  });

  test("into a pool, of text and of tokens", async () => {
    const rows = [
      { id: "text", prompt: "?", response: " good film" },
      { id: "tokens", prompt: PROMPT, response: [1, 1, EOS] },
    ];
    const reset = { source: { kind: "pool", path: "pool.jsonl" }, selector: { kind: "whole" } };
    const { directory } = await train({ ...short, reset }, { pool: { rows, hash: "pool" } });
    for (const { sourceId, prefix } of await rolloutsOf(directory, 1))
      expect(prefix).toEqual(sourceId === "text" ? [1, 3] : [1, 1]);
  });

  test("only for prompts where the policy's own rollouts fall short (BREAD)", async () => {
    const share = async (scoreBelow: number) => {
      const { directory } = await train({ ...short, reset: { ...THEORY, condition: { rollouts: 4, scoreBelow } } });
      return (await policyMetrics(directory)).map(({ resetShare }) => resetShare!);
    };
    expect(await share(-100)).toEqual([0, 0, 0, 0]);
    const always = await share(100);
    for (const one of always) expect(one).toBeGreaterThan(0.3);
  });

  test("with cross-entropy on the prefix, good beginnings get likelier than by resets alone", async () => {
    const reset = { ...THEORY, selector: { law: "released" } };
    const first = async (lossOnPrefix: object) => {
      const { runId } = await train({ ...short, reset: { ...reset, lossOnPrefix } });
      return Math.exp(testbed.policy(runId, "policy")(PROMPT)[1]!);
    };
    expect(await first({ kind: "crossEntropy" })).toBeGreaterThan((await first({ kind: "none" })) + 0.05);
  });

  test("with the policy gradient on the prefix, its tokens are learnt from", async () => {
    const reset = { source: THEORY.source, lossOnPrefix: { kind: "policyGradient" } };
    const { runId } = await train({ ...short, reset });
    const { runId: without } = await train({ ...short, reset: { source: THEORY.source } });
    const row = (id: string) => testbed.policy(id, "policy")(PROMPT);
    expect(row(runId)).not.toEqual(row(without));
  });

  test("truncated importance weights are one where sampler and trainer agree", async () => {
    const { directory } = await train({ ...short, reset: THEORY, maxImportanceWeight: 2 });
    for (const { importanceWeight } of await policyMetrics(directory)) expect(importanceWeight).toBeCloseTo(1, 5);
  });

  test("an update far from the policy before it stops early", async () => {
    const policy = { ...short, reset: THEORY, algorithm: { kind: "ppo", epochs: 6, criticOptimizer } };
    const steps = async (targetKl: number | null) =>
      (await policyMetrics((await train({ ...policy, targetKl })).directory)).map((metrics) => metrics["steps"]!);
    expect(await steps(null)).toEqual([6, 6, 6, 6]);
    const stopped = await steps(0.001);
    expect(Math.max(...stopped)).toBeLessThan(6);
    // The first step starts at the policy itself, so it always happens; the one that shows the excess is the last.
    expect(Math.min(...stopped)).toBeGreaterThanOrEqual(2);
  });
});

describe("what moves between iterations is in the commit", () => {
  test.each([
    ["an adaptive KL coefficient", { adaptiveKl: { target: 0.5, horizon: 50 }, klCoef: 0.2 }],
    [
      "the fractions of an adaptive cut",
      { reset: { source: THEORY.source, selector: { kind: "adaptiveFraction", scoreThreshold: 0.5 } } },
    ],
    ["own rollouts to reset into", { reset: { source: { kind: "ownRollouts" } } }],
  ])("%s: stopped and resumed on a fresh server, the run ends the same", async (_, changes) => {
    const policy = { iterations: 6, rolloutsPerIteration: 16, validation: { every: 6, rollouts: 8 }, ...changes };
    const whole = await train(policy);

    const controller = new AbortController();
    const stopping = {
      ...silent,
      start: (label: string) => ({
        update: (done: number) => void (label === "policy" && done === 4 && controller.abort()),
        end: () => {},
      }),
    };
    const directory = `${shared.directory}-${runs++}`;
    const run = { ...shared, directory };
    const recipe = recipeOf(policy);
    const stopped = runTiny(testbed, run, { recipe, signal: controller.signal, progress: stopping });
    await expect(stopped).rejects.toThrow(InterruptedError);
    testbed.restart();
    await runTiny(testbed, run, { recipe, resume: true });
    const withoutIds = async (folder: string) =>
      (await rolloutsOf(folder, 6)).map(({ prefix, generated, score, fraction }) => ({
        ...{ prefix, generated, score, fraction },
      }));
    expect(await withoutIds(directory)).toEqual(await withoutIds(whole.directory));
    expect(await policyMetrics(directory)).toEqual(await policyMetrics(whole.directory));
  });

  test("an adaptive coefficient rises while the KL is above its target", async () => {
    const { directory } = await train({ iterations: 6, adaptiveKl: { target: 0.001, horizon: 100 }, klCoef: 0.1 });
    const coefficients = (await policyMetrics(directory)).map(({ klCoef }) => klCoef!);
    expect(coefficients[0]).toBe(0.1);
    expect(coefficients.at(-1)).toBeGreaterThan(0.1 * 1.05 ** 3);
  });
});
