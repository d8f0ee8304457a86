import { expect, test } from "@jest/globals";
import { resetSchema } from "../../src/config/reset.js";
import { collectRollouts } from "../../src/drpo/collect-rollouts.js";
import { adaptiveFraction } from "../../src/drpo/resets/adaptive-fraction.js";
import { datasetSource } from "../../src/drpo/resets/dataset-source.js";
import { functionCut } from "../../src/drpo/resets/function-cut.js";
import type { PrefixSelector } from "../../src/drpo/resets/prefix-selector.js";
import { createResetSampler } from "../../src/drpo/resets/reset-sampler.js";
import { scheduledFraction } from "../../src/drpo/resets/scheduled-fraction.js";
import { uniformCut } from "../../src/drpo/resets/uniform-cut.js";
import { Random } from "../../src/math/random.js";
import { seedAt } from "../../src/math/seeds.js";
import { everyContext } from "../../src/testbed/table.js";
import { tabularModels } from "../../src/testbed/tabular-models.js";

const [EOS, BUDGET, ROWS, SEED] = [3, 6, 24, 17];
const PARAMS = { temperature: 0.9, topP: 1, topK: 0, stopTokenIds: [EOS] };
const RESPONSES = [
  { id: "a", prompt: [0], response: [1, 2, 1, EOS] },
  { id: "b", prompt: [1, 1], response: [2, EOS] },
  { id: "c", prompt: [2], response: [1, 1, 1, 1, 1, EOS] },
];

const models = tabularModels();
const policy = models.create({
  ...{ name: "policy", head: "language-model" },
  rule: everyContext((context) => [0, 1, 2, 3].map((token) => Math.sin(token + 3 * context.length + context.at(-1)!))),
});
const MODELS = { policy, critic: null, reference: policy };

/** Ordinary PPO's rollouts: a prompt for each row, and the policy from there. It has never heard of resets. */
async function plainRollouts(iteration: number) {
  const prompts = Array.from({ length: ROWS }, (_, row) => {
    const random = new Random(seedAt(SEED, "reset", iteration, row));
    return RESPONSES[random.integer(0, RESPONSES.length - 1)]!.prompt;
  });
  const contexts = prompts.map((tokens, row) => ({
    ...{ tokens, maxNewTokens: BUDGET, firstPosition: 0, seeds: [seedAt(SEED, "rollout", iteration, row, 0)] },
  }));
  const written = await models.sampler.sample({ model: policy, contexts, params: PARAMS });
  return written.map(([one], row) => ({ prompt: prompts[row], tokens: one!.tokens, logprobs: one!.logprobs }));
}

const SELECTORS: Readonly<Record<string, PrefixSelector>> = {
  "the released cut": uniformCut("released"),
  "the theory's cut": uniformCut("theory"),
  "a schedule": scheduledFraction({ start: 1, end: 0, overShare: 0.5 }),
  "an adaptive fraction": adaptiveFraction({ scoreThreshold: 0 }),
  "a user's function": functionCut(({ length }) => length - 1, "cut.ts"),
};

test.each(Object.keys(SELECTORS))(
  "with %s, proportion 0 gives token for token the rollouts of plain PPO",
  async (name) => {
    for (const beside of [true, false]) {
      const sampler = createResetSampler({
        spec: resetSchema.parse({ proportion: 0, prefixCountsInBudget: beside }),
        source: datasetSource({ responses: RESPONSES, seed: SEED }),
        selector: SELECTORS[name]!,
        ...{
          budget: BUDGET,
          contextTokens: 20,
          endTokenIds: [EOS],
          iterations: 3,
          rolloutsPerIteration: ROWS,
          seed: SEED,
        },
      });
      for (const iteration of [0, 1, 2]) {
        const resets = await sampler.draw({ iteration, models: MODELS }, {});
        const rollouts = await collectRollouts(models.sampler, resets, {
          ...{ policy, params: PARAMS, noise: { seed: SEED, purpose: "rollout", iteration } },
        });
        const seen = rollouts.map(({ reset, generated, samplerLogprobs }) => ({
          ...{ prompt: reset.prompt, tokens: generated, logprobs: samplerLogprobs },
        }));
        expect(seen).toEqual(await plainRollouts(iteration));
      }
    }
  },
);
