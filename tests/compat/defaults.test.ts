import { beforeAll, describe, expect, test } from "@jest/globals";
import { algorithmRegistry, ALGORITHMS } from "../../src/commands/algorithm-registry.js";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import type { OnlineOptions } from "../../src/config/policy.js";
import type { ValuedExperience } from "../../src/domain/experience.js";
import type { ScoredRollout } from "../../src/domain/rollout.js";
import type { UpdateContext } from "../../src/drpo/algorithms/algorithm.js";
import type { PpoOptions } from "../../src/drpo/algorithms/ppo.js";
import { collectRollouts } from "../../src/drpo/collect-rollouts.js";
import { createResetSampler } from "../../src/drpo/resets/reset-sampler.js";
import { datasetSource } from "../../src/drpo/resets/dataset-source.js";
import { uniformCut } from "../../src/drpo/resets/uniform-cut.js";
import { sumScorer, UNSCALED } from "../../src/drpo/score-rollouts.js";
import type { SampleContext, Sampler } from "../../src/ports/sampler.js";
import type { Loss, OptimizerStep, Trainer } from "../../src/ports/trainer.js";
import { everyContext } from "../../src/testbed/table.js";
import { tabularModels } from "../../src/testbed/tabular-models.js";
import { releasedRecipe } from "./released-recipe.js";

const EOS = 3;
const BUDGET = 5;
const PROMPT = [4];
const RESPONSES = [
  [0, 1, 2, EOS],
  [2, 2, 1, 0, 1, 2, EOS],
  [1, EOS],
].map((response, i) => ({ id: String(i), prompt: PROMPT, response }));

const released = releasedRecipe({ base: "base", data: "data" });
const { policy } = registeredRecipeSchema.parse({
  ...released,
  policy: { ...released.policy, compat: "none", algorithm: { ...released.policy.algorithm, kind: "ppo" } },
});
const policyOptions = policy as OnlineOptions<PpoOptions>;

/** The right-hand column of the table "What the released code does", on exact tables. */
describe("without a compat mode", () => {
  const sampled: SampleContext[] = [];
  const sent: Loss[] = [];
  const steps: OptimizerStep[] = [];
  const models = tabularModels();
  const sampler: Sampler = {
    ...models.sampler,
    sample(request, options) {
      sampled.push(...request.contexts);
      return models.sampler.sample(request, options);
    },
  };
  const trainer: Trainer = {
    ...models.trainer,
    forwardBackward(batch, losses, options) {
      sent.push(...losses.map(({ loss }) => loss));
      return models.trainer.forwardBackward(batch, losses, options);
    },
    optimizerStep(step, options) {
      steps.push(step);
      return models.trainer.optimizerStep(step, options);
    },
  };
  let rollouts: readonly ScoredRollout[];
  let experience: readonly ValuedExperience[];

  beforeAll(async () => {
    const logits = (slope: number) => (context: readonly number[]) =>
      [0, 1, 2, 3].map((token) => Math.sin(slope * (token + 2 * context.length)));
    const handles = {
      policy: models.create({ name: "policy", head: "language-model", rule: everyContext(logits(1)) }),
      reference: models.create({ name: "reference", head: "language-model", rule: everyContext(logits(2)) }),
      critic: models.create({ name: "critic", head: "scalar", rule: everyContext((context) => [context.length / 4]) }),
    };
    const { reset, sampling, stopAtEndOfSequence, missingEosScore, endMustPrecedeLast, klCoef } = policyOptions;
    const run = { budget: BUDGET, endTokenIds: [EOS], iterations: 2, seed: 1 };
    const resets = await createResetSampler({
      ...{ ...run, spec: reset, contextTokens: 100, rolloutsPerIteration: 200 },
      source: datasetSource({ responses: RESPONSES, seed: 1 }),
      selector: uniformCut((reset.selector as { readonly law: "released" }).law),
    }).draw({ iteration: 0, models: handles }, {});
    const written = await collectRollouts(sampler, resets, {
      policy: handles.policy,
      params: { ...sampling, stopTokenIds: stopAtEndOfSequence ? [EOS] : [] },
      noise: { seed: 1, purpose: "rollout", iteration: 0 },
    });
    const rawScores = (responses: readonly { readonly response: readonly number[] }[]) =>
      Promise.resolve(responses.map(({ response }) => 10 + response.length));
    const terms = [{ weight: 1, scale: UNSCALED, rawScores }];
    rollouts = await sumScorer(terms, { missingEosScore, endMustPrecedeLast, endTokenIds: [EOS] }).score(written);
    const context: UpdateContext = {
      ...{ ...run, trainer, models: handles, iteration: 0, temperature: sampling.temperature, klCoef },
    };
    const algorithm = algorithmRegistry(ALGORITHMS).create(policyOptions);
    const signal = await algorithm.prepare(context, rollouts);
    experience = (signal as { readonly experience: readonly ValuedExperience[] }[]).flatMap((one) => one.experience);
    await algorithm.update(context, signal);
  });

  test("prefixes are cut from references by Uniform{1..len-1}, inside the budget; a token is left to write", () => {
    expect(policyOptions.reset.source).toMatchObject({ kind: "dataset", field: "reference" });
    for (const { reset, generated } of rollouts) {
      const { response } = RESPONSES.find(({ id }) => id === reset.sourceId) ?? { response: [] };
      if (reset.sourceId !== null) expect(reset.prefix.length).toBeGreaterThan(0);
      expect(reset.prefix).toEqual(response.slice(0, reset.prefix.length));
      expect(reset.prefix).not.toContain(EOS);
      expect(reset.prefix.length + reset.maxNewTokens).toBe(BUDGET);
      expect(generated.length).toBeGreaterThan(0);
    }
  });

  test("a prefix is given to the sampler, which decodes nothing of it", () => {
    sampled.forEach(({ tokens, maxNewTokens, firstPosition }, row) => {
      const { prompt, prefix } = rollouts[row]!.reset;
      expect(tokens).toEqual([...prompt, ...prefix]);
      expect([firstPosition, maxNewTokens]).toEqual([prefix.length, BUDGET - prefix.length]);
    });
  });

  test("a response ends at its end of sequence", () => {
    for (const { generated, finishReason } of rollouts) {
      expect(generated.slice(0, -1)).not.toContain(EOS);
      expect(finishReason).toBe(generated.at(-1) === EOS ? "stop" : "length");
    }
    expect(rollouts.some(({ finishReason }) => finishReason === "length")).toBe(true);
  });

  test("scores are as the reward says, without an end of sequence, and with one at the end of the budget", () => {
    for (const { score, generated, reset } of rollouts) expect(score).toBe(10 + reset.prefix.length + generated.length);
    const isFull = ({ reset, generated }: ScoredRollout) => reset.prefix.length + generated.length === BUDGET;
    expect(rollouts.some((one) => isFull(one) && one.finishReason === "stop")).toBe(true);
  });

  test("log-probs are taken at temperature 1, at which tokens were drawn", () => {
    for (const { oldLogprobs, referenceLogprobs, rollout } of experience) {
      const { reset, generated, samplerLogprobs } = rollout;
      generated.forEach((token, t) => {
        // The reference has not moved, and its oracle is at temperature 1.
        const context = [...reset.prompt, ...reset.prefix, ...generated.slice(0, t)];
        expect(referenceLogprobs[t]).toBeCloseTo(models.policy("reference")(context)[token]!, 12);
        expect(samplerLogprobs[t]).toBeCloseTo(oldLogprobs[t]!, 12);
      });
    }
  });

  test("prefixes are in no reward, value, advantage, whitening or loss", () => {
    expect(rollouts.some(({ reset }) => reset.prefix.length > 1)).toBe(true);
    for (const { rollout, rewards, values, advantages, returns, policyWeights } of experience) {
      const { length } = rollout.generated;
      for (const array of [rewards, values, advantages, returns]) expect(array).toHaveLength(length);
      expect(policyWeights).toEqual(new Array(length).fill(1));
    }
    const whitened = experience.flatMap(({ advantages }) => advantages);
    const mean = whitened.reduce((sum, x) => sum + x, 0) / whitened.length;
    const variance = whitened.reduce((sum, x) => sum + (x - mean) ** 2, 0) / whitened.length;
    expect(mean).toBeCloseTo(0, 10);
    expect(variance).toBeCloseTo(1, 6);
  });

  test("rewards are not whitened: the KL penalty, and the score at the last token", () => {
    for (const { rollout, rewards, oldLogprobs, referenceLogprobs } of experience) {
      const last = rollout.generated.length - 1;
      rewards.forEach((reward, t) => {
        const penalty = -policyOptions.klCoef * (oldLogprobs[t]! - referenceLogprobs[t]!);
        expect(reward).toBeCloseTo(penalty + (t === last ? rollout.score : 0), 12);
      });
    }
  });

  test("each loss is one mean over the tokens of the batch, and nothing but them", () => {
    const tokens = rollouts.reduce((sum, { generated }) => sum + generated.length, 0);
    const { valueCoef, epochs } = policyOptions.algorithm;
    expect(sent.map(({ kind }) => kind)).toEqual(
      Array.from({ length: epochs }, () => ["clippedSurrogate", "clippedValue"]).flat(),
    );
    for (const loss of sent) {
      const { weights } = loss as { readonly weights: readonly number[] };
      expect(weights).toHaveLength(tokens);
      const weight = loss.kind === "clippedValue" ? valueCoef / tokens : 1 / tokens;
      for (const one of weights) expect(one).toBeCloseTo(weight, 15);
    }
  });

  test("AdamW has the recipe's fields, for policy and critic", () => {
    for (const { model, adamw } of steps) {
      const { optimizer, algorithm } = policyOptions;
      const { beta1, beta2, epsilon, weightDecay, learningRate } =
        model.name === "policy" ? optimizer : algorithm.criticOptimizer;
      expect(adamw).toEqual({ beta1, beta2, epsilon, weightDecay, learningRate });
      expect([epsilon, weightDecay]).toEqual([1e-8, 0]);
    }
    expect(new Set(steps.map(({ model }) => model.name))).toEqual(new Set(["policy", "critic"]));
  });
});
