import type { Recipe } from "../../src/config/recipe.js";
import { recipeSchema } from "../../src/config/recipe.js";
import type { Evaluation, Metric } from "../../src/domain/evaluation.js";
import type { RecordedRollout } from "../../src/domain/rollout.js";
import type { Commit } from "../../src/ports/run-directory.js";
import { z } from "zod";

const kindOnly = z.looseObject({ kind: z.string() });

/** A small valid recipe, resolved. */
export const recipe = (learningRate = 0.001): Recipe =>
  recipeSchema({ algorithm: kindOnly, judge: kindOnly, rewards: [] }).parse({
    name: "small",
    model: { base: "/base" },
    data: { kind: "pairs", path: "/pairs.jsonl" },
    response: { maxTokens: 8 },
    sft: { kind: "base" },
    reward: { kind: "adapter", path: "/reward" },
    policy: { iterations: 4, algorithm: { kind: "ppo" }, optimizer: { learningRate } },
    evaluation: { judge: { kind: "lexicon" } },
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
});

export const evaluation = (examples: Evaluation["examples"] = []): Evaluation => ({
  rewardAccuracy: metric(0.81, 0.03, 240),
  sft: model(0.02, 0),
  policy: model(1.24, 6.8),
  difference: { score: metric(1.22, 0.14), judgeWinRate: metric(0.742, 0.048) },
  judge: "lexicon",
  scoreScale: { mean: 0.3, standardDeviation: 1.7 },
  bestIteration: 4,
  examples,
});
