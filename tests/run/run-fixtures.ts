import type { Recipe } from "../../src/config/recipe.js";
import { recipeSchema } from "../../src/config/recipe.js";
import type { Evaluation, EvaluationRows, Metric } from "../../src/domain/evaluation.js";
import type { RecordedRollout } from "../../src/domain/rollout.js";
import type { Commit } from "../../src/ports/run-directory.js";
import { z } from "zod";

const kindOnly = z.looseObject({ kind: z.string() });

/** A small valid recipe, resolved. */
export const recipe = (learningRate = 0.001): Recipe =>
  recipeSchema({
    algorithm: kindOnly,
    judge: kindOnly,
    rewards: [],
    loggers: [z.strictObject({ kind: z.literal("only") })],
  }).parse({
    name: "small",
    model: { base: "/base" },
    data: { kind: "pairs", path: "/pairs.jsonl" },
    response: { maxTokens: 8 },
    sft: { kind: "base" },
    reward: { kind: "adapter", path: "/reward" },
    policy: { iterations: 4, algorithm: { kind: "ppo" }, optimizer: { learningRate } },
    evaluation: { judges: [{ kind: "lexicon" }] },
  });

export const commit = (iteration: number): Commit => {
  const checkpoint = { uri: `checkpoints/iteration-${iteration}`, manifestHash: "ab".repeat(32) };
  return {
    iteration,
    checkpoint,
    best: { checkpoint, iteration, objective: 0.5 },
    kept: [checkpoint.uri],
    memory: null,
  };
};

export const rollout: RecordedRollout = {
  reset: { row: 0, prompt: [5, 6], prefix: [7], sourceId: "s1", maxNewTokens: 7 },
  continuation: 0,
  generated: [8, 2],
  samplerLogprobs: [-0.5, -0.25],
  finishReason: "stop",
  version: { generation: 2n ** 60n, optimizerStep: 3n, weightsHash: "cd" },
  score: 1.5,
  text: "so good",
  tokenTexts: ["so", " good", ""],
  referenceLogprobs: [-0.75, -0.5],
};

const metric = (mean: number, spread = 0.1, n = 256): Metric => ({ mean, low: mean - spread, high: mean + spread, n });

const model = (score: number, klK1: number) => ({
  score: metric(score),
  klK1: metric(klK1, klK1 / 10),
  klK3: metric(klK1 * 0.9, klK1 / 20),
  responseTokens: metric(18.5, 0.6),
  endedShare: metric(0.8, 0.05),
  distinctShare: metric(0.97, 0.02),
  ...{ distinct1: metric(0.21, 0.02), distinct2: metric(0.64, 0.02) },
  ...{ rouge1: metric(0.33, 0.01), rouge2: metric(0.12, 0.01), rougeL: metric(0.25, 0.01) },
});

export const evaluation = (): Evaluation => ({
  rewardAccuracy: metric(0.81, 0.03, 240),
  sft: model(0.02, 0),
  policy: model(1.24, 6.8),
  reference: { score: metric(0.91) },
  difference: { score: metric(1.22, 0.14), judgeWinRate: metric(0.742, 0.048) },
  winRates: [
    { judge: "lexicon", of: "policy", against: "sft", winRate: metric(0.742, 0.048), ties: 12, unjudged: 0 },
    { judge: "lexicon", of: "policy", against: "reference", winRate: metric(0.61, 0.06, 250), ties: 4, unjudged: 6 },
    { judge: "lexicon", of: "sft", against: "reference", winRate: metric(0.316, 0.06, 250), ties: 2, unjudged: 6 },
    { judge: "model", of: "policy", against: "sft", winRate: metric(0.7, 0.05), ties: 0, unjudged: 0 },
  ],
  agreement: [{ judges: ["lexicon", "model"], of: "policy", against: "sft", share: metric(0.8, 0.05), kappa: 0.6 }],
  scoreScale: { mean: 0.3, standardDeviation: 1.7 },
  bestIteration: 4,
  settings: { rollouts: 256, temperature: 1, examples: 5 },
});

/** A row of each kind for each pair of responses. */
export const evaluationRows = (
  pairs: readonly { readonly prompt: string; readonly sft: string; readonly policy: string }[] = [
    { prompt: "Say it.", sft: "Meh.", policy: "Lovely." },
  ],
): EvaluationRows => {
  const response = (row: number, prompt: string, text: string) => ({
    ...{ row, promptId: `prompt-${row}`, prompt, response: text, score: row + 0.5 },
    ...{ responseTokens: 3, ended: true, klK1: 0.25, klK3: 0.5, rouge: { rouge1: 0.5, rouge2: 0.25, rougeL: 0.5 } },
  });
  return {
    policy: pairs.map(({ prompt, policy }, row) => response(row, prompt, policy)),
    sft: pairs.map(({ prompt, sft }, row) => ({ ...response(row, prompt, sft), rouge: null })),
    reference: pairs.map(({ prompt }, row) => {
      const { promptId, score } = response(row, prompt, "");
      return { row, promptId, prompt, response: "Fine.", score };
    }),
    verdicts: pairs.flatMap((_, row) => [
      { row, judge: "lexicon", of: "policy" as const, against: "sft", verdict: "win" as const, answers: [] },
      {
        ...{ row, judge: "model", of: "policy" as const, against: "sft", verdict: null },
        answers: [{ first: "opponent" as const, preferred: null, text: "Hm." }],
      },
    ]),
  };
};
