import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, DivergedError, InterruptedError } from "../../src/errors.js";
import type { Progress } from "../../src/ports/progress.js";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import { startVerifier } from "../rewards/verifier.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import {
  newTinyRun,
  PROMPT,
  runTiny,
  silent,
  startTinyTestbed,
  tinyDataset,
  tinyRecipe,
  tinyRewardModel,
  type TinyRun,
} from "./tiny-run.js";

/** What the ratings of the tiny data count. */
const goodness = (text: string): number => text.split("good").length - text.split("bad").length;

/** Modules of a user: what people like, its negative, always the same, and one that fails on what is bad. */
const MODULE = `
import type { UserRewardFunction } from "drpo";
const count = (text: string, word: string): number => text.split(word).length - 1;
const goodness: UserRewardFunction = ({ responseText }, { options }) =>
  Number(options["factor"] ?? 1) * (count(responseText, "good") - count(responseText, "bad"));
export default goodness;
export const constant: UserRewardFunction = () => 1;
export const picky: UserRewardFunction = ({ responseText }) => (responseText.includes("bad") ? NaN : 1);
`;

let folder: string;
let module: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-reward-"));
  module = join(folder, "score.ts");
  await writeFile(module, MODULE);
});
afterAll(() => rm(folder, { recursive: true }));

let testbed: Testbed;
beforeEach(async () => {
  testbed = await startTinyTestbed();
});
afterEach(() => testbed.close());

const byFunction = (changes: object = {}) => ({ kind: "function", module, ...changes });
const quick = { iterations: 2, validation: { every: 2, rollouts: 8 } };
const quickRecipe = (reward: object) => tinyRecipe({ reward, policy: quick });

const metricsOf = async ({ directory }: TinyRun, stage: string) =>
  (await readFile(join(directory, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricsLine)
    .filter((line) => line.stage === stage);

const scoresOf = (responses: readonly { readonly score: number }[]) => responses.map(({ score }) => score);

describe("a user's function alone", () => {
  test("is what the policy learns, without a reward model", async () => {
    const run = await newTinyRun();
    const { evaluation, runId } = await runTiny(testbed, run, { recipe: tinyRecipe({ reward: byFunction() }) });
    expect(await metricsOf(run, "reward")).toEqual([]);
    expect(() => testbed.policy(runId, "reward-model")(PROMPT)).toThrow(/reward-model/);
    expect(evaluation.scoreScale).toEqual({ mean: 0, standardDeviation: 1 });
    expect(evaluation.difference.score.low).toBeGreaterThan(0);
    const { sft, policy, reference } = await readEvaluationRows(run.directory);
    for (const { response, score } of [...sft, ...policy, ...reference]) expect(score).toBe(goodness(response));
    // The data was rated by the same count.
    expect(evaluation.rewardAccuracy?.mean).toBe(1);
  });

  test("is stopped and resumed on a fresh server, and ends the same", async () => {
    const recipe = tinyRecipe({
      reward: byFunction({ normalise: true, scaleRollouts: 16 }),
      policy: { iterations: 4 },
    });
    const whole = await runTiny(testbed, await newTinyRun(), { recipe });
    const controller = new AbortController();
    const progress: Progress = {
      ...silent,
      start: (label) => ({
        update: (done) => (label === "policy" && done === 2 ? controller.abort() : undefined),
        end: () => {},
      }),
    };
    const other = await startTinyTestbed();
    try {
      const broken = await newTinyRun();
      const stopped = runTiny(other, broken, { recipe, progress, signal: controller.signal });
      await expect(stopped).rejects.toThrow(InterruptedError);
      other.restart();
      const resumed = await runTiny(other, broken, { recipe, resume: true });
      expect(resumed.evaluation).toEqual(whole.evaluation);
    } finally {
      await other.close();
    }
  });

  test("fails with the response that it failed on", async () => {
    const run = runTiny(testbed, await newTinyRun(), { recipe: quickRecipe(byFunction({ export: "picky" })) });
    await expect(run).rejects.toThrow(BadInputError);
    await expect(run).rejects.toThrow(/picky of .*score\.ts gave NaN for the response ".*bad.*" to "\?"/);
  });

  test("has no accuracy where nobody ranked what is held out", async () => {
    const dataset = { ...tinyDataset, heldOut: tinyDataset.heldOut.map((group) => ({ ...group, responses: [] })) };
    const { evaluation } = await runTiny(testbed, await newTinyRun(), { recipe: quickRecipe(byFunction()), dataset });
    expect(evaluation.rewardAccuracy).toBeNull();
  });
});

describe("a sum", () => {
  test("adds its terms in their weights and units", async () => {
    const scores = async (reward: object) => {
      const run = await newTinyRun();
      const { evaluation } = await runTiny(testbed, run, { recipe: quickRecipe(reward) });
      return { sft: scoresOf((await readEvaluationRows(run.directory)).sft), scale: evaluation.scoreScale };
    };
    const model = await scores(tinyRewardModel);
    const count = await scores(byFunction());
    const sum = await scores({
      kind: "sum",
      terms: [
        { weight: 2, reward: tinyRewardModel },
        { weight: 1, reward: byFunction({ options: { factor: -0.5 } }) },
      ],
    });
    sum.sft.forEach((score, i) => expect(score).toBeCloseTo(2 * model.sft[i]! - 0.5 * count.sft[i]!, 9));
    expect(sum.scale).toEqual({ mean: 0, standardDeviation: 1 });
    expect(model.scale).not.toEqual(sum.scale);
  });

  test("trains the reward model that is one of its terms, once for all runs", async () => {
    const run = await newTinyRun();
    const sum = (weight: number) => ({
      kind: "sum",
      terms: [
        { weight: 1, reward: byFunction() },
        { weight, reward: tinyRewardModel },
      ],
    });
    await runTiny(testbed, run, { recipe: quickRecipe(sum(1)) });
    expect((await metricsOf(run, "reward")).length).toBeGreaterThan(0);
    const second = { ...run, directory: `${run.directory}-second` };
    await runTiny(testbed, second, { recipe: quickRecipe(sum(0.5)) });
    expect(await metricsOf(second, "reward")).toEqual([]);
  });
});

describe("the units of a normalised score", () => {
  /** Scales that a run measures, and their notes. */
  const measured = async (run: TinyRun, reward: object, resume = false): Promise<readonly string[]> => {
    const notes: string[] = [];
    const progress: Progress = {
      ...silent,
      start: (label) => ({
        update: () => {},
        end: (note) => void (label === "score scale" && notes.push(note ?? "")),
      }),
    };
    await runTiny(testbed, run, { recipe: quickRecipe(reward), progress, resume });
    return notes;
  };
  const beside = (run: TinyRun, name: string): TinyRun => ({ ...run, directory: `${run.directory}-${name}` });

  test("are those of SFT's samples, measured once for the same function and options", async () => {
    const run = await newTinyRun();
    const normalised = (changes: object = {}) => byFunction({ normalise: true, scaleRollouts: 200, ...changes });
    expect(await measured(run, normalised())).toHaveLength(1);
    expect(await measured(beside(run, "same"), normalised())).toEqual([]);
    expect(await measured(beside(run, "other"), normalised({ options: { factor: 3 } }))).toHaveLength(1);
    expect(await measured(beside(run, "raw"), byFunction())).toEqual([]);
    const { evaluation } = await runTiny(testbed, beside(run, "mean"), { recipe: quickRecipe(normalised()) });
    expect(Math.abs(evaluation.sft.score.mean)).toBeLessThan(0.3);
    expect(evaluation.scoreScale.standardDeviation).not.toBe(1);
  });

  test("by a service are a run's own: it may change unseen", async () => {
    const verifier = await startVerifier();
    try {
      const reward = { kind: "http", url: verifier.url, normalise: true, scaleRollouts: 16 };
      const run = await newTinyRun();
      expect(await measured(run, reward)).toHaveLength(1);
      expect(await measured(run, reward, true)).toEqual([]);
      expect(await measured(beside(run, "second"), reward)).toHaveLength(1);
      expect(verifier.requests[0]!.responses[0]).toMatchObject({ prompt: "?" });
    } finally {
      await verifier.close();
    }
  });

  test("cannot be had where all samples score the same", async () => {
    const reward = byFunction({ export: "constant", normalise: true });
    const run = runTiny(testbed, await newTinyRun(), { recipe: quickRecipe(reward) });
    await expect(run).rejects.toThrow(DivergedError);
    await expect(run).rejects.toThrow(/^reward: every one of 128 samples of the SFT policy has the same score, 1/);
  });
});
