import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@jest/globals";
import type { RegisteredRecipe } from "../../src/commands/registry.js";
import type { Evaluation, EvaluationRows, Metric } from "../../src/domain/evaluation.js";
import type { RolloutRef } from "../../src/domain/rollout.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import { readRun } from "../../src/run/read-run.js";

/** A line of rollouts/ITERATION.jsonl. */
export interface RolloutLine {
  readonly iteration: number;
  readonly row: number;
  readonly continuation: number;
  readonly sourceId: string | null;
  readonly score: number;
  /** Of prefix and generated. */
  readonly text: string;
  readonly finishReason: "stop" | "length";
  readonly prompt: readonly number[];
  readonly prefix: readonly number[];
  readonly generated: readonly number[];
  readonly maxNewTokens: number;
  readonly fraction?: number;
  readonly parent?: RolloutRef;
  readonly firstActionByReference?: true;
}

export interface FinishedRun {
  readonly recipe: RegisteredRecipe;
  readonly evaluation: Evaluation;
  readonly rows: EvaluationRows;
  /** Of the policy, an iteration each. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  readonly rollouts: readonly RolloutLine[];
}

/** Reads a run that is through, and checks what every such run has: each iteration, each figure, a report. */
export async function readFinishedRun(directory: string): Promise<FinishedRun> {
  const { record, lastCommit, metrics, evaluation, problems } = await readRun(directory);
  expect(problems).toEqual([]);
  const recipe = record.recipe as RegisteredRecipe;
  const policy = metrics.filter(({ stage }) => stage === "policy");
  expect(policy.map(({ iteration }) => iteration)).toEqual(policy.map((_, i) => i + 1));
  expect(policy.length).toBeGreaterThan(0);
  expect(lastCommit!.iteration).toBe(policy.length);
  if (recipe.policy.kind === "online") expect(policy.length).toBe(recipe.policy.iterations);
  const values = policy.flatMap((line) => Object.values(line.metrics));
  expect(values.filter((value) => !Number.isFinite(value))).toEqual([]);
  expectComplete(evaluation!, recipe);
  const { problems: rowProblems, ...rows } = await readEvaluationRows(directory);
  expect(rowProblems).toEqual([]);
  expect(await readFile(join(directory, "report.html"), "utf8")).toMatch(/<\/html>\s*$/);
  return {
    ...{ recipe, evaluation: evaluation!, rows },
    metrics: policy.map((line) => line.metrics),
    rollouts: await readRollouts(join(directory, "rollouts")),
  };
}

function expectComplete({ rewardAccuracy, sft, policy, difference }: Evaluation, recipe: RegisteredRecipe) {
  const { rollouts } = recipe.evaluation;
  const metrics = [sft, policy, difference].flatMap((part): (Metric | null)[] => Object.values({ ...part }));
  for (const metric of metrics.filter((one) => one !== null)) {
    expect(metric.n).toBe(rollouts);
    expectInterval(metric);
  }
  expectInterval(rewardAccuracy!);
  expect(sft.klK1.mean).toBe(0);
  expect(policy.klK3.mean).toBeGreaterThan(0);
}

function expectInterval({ mean, low, high }: Metric): void {
  expect(low).toBeLessThanOrEqual(mean);
  expect(mean).toBeLessThanOrEqual(high);
}

async function readRollouts(folder: string): Promise<readonly RolloutLine[]> {
  const files = (await readdir(folder)).sort();
  const lines = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return text
        .trim()
        .split("\n")
        .map((line) => ({ ...(JSON.parse(line) as RolloutLine), iteration: Number.parseInt(name) }));
    }),
  );
  return lines.flat();
}

/** Whether the rollout starts inside a response. */
export const isReset = ({ prefix }: RolloutLine): boolean => prefix.length > 0;

/** Characters that two texts have in common at their beginning. */
function sharedLength(a: string, b: string): number {
  const differs = [...a].findIndex((character, i) => character !== b[i]);
  return differs === -1 ? a.length : differs;
}

/**
 * Every prefix is a beginning of the response that it names: the tokens of the tiny bases are a character or more each,
 * so that the rollout's text shares at least as many with that response.
 * @param textOf the responses of the source, by their ids
 */
export function expectPrefixesOf(textOf: ReadonlyMap<string, string>, rollouts: readonly RolloutLine[]): void {
  for (const { sourceId, prefix, text } of rollouts.filter(isReset)) {
    const source = textOf.get(sourceId!);
    expect(source).toBeDefined();
    expect(sharedLength(text, source!)).toBeGreaterThanOrEqual(prefix.length);
  }
}

/** Rollouts end at their end of sequence, or with the budget, in which the prefix counts. */
export function expectWithinBudget(rollouts: readonly RolloutLine[], budget: number, eosTokenId: number): void {
  for (const { prefix, generated, finishReason } of rollouts) {
    const end = generated.indexOf(eosTokenId);
    expect(end).toBe(finishReason === "stop" ? generated.length - 1 : -1);
    if (finishReason === "length") expect(prefix.length + generated.length).toBe(budget);
    else expect(prefix.length + generated.length).toBeLessThanOrEqual(budget);
  }
}
