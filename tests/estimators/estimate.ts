import { optimizerSchema } from "../../src/config/optimizer.js";
import { resetSchema, type ResetSpec } from "../../src/config/reset.js";
import { responseTokens, rowTokens, type ScoredRollout } from "../../src/domain/rollout.js";
import type { Algorithm } from "../../src/drpo/algorithms/algorithm.js";
import type { AlgorithmDefinition } from "../../src/drpo/algorithms/define-algorithm.js";
import type { PolicySettings } from "../../src/drpo/algorithms/policy-settings.js";
import { collectRollouts } from "../../src/drpo/collect-rollouts.js";
import { datasetSource } from "../../src/drpo/resets/dataset-source.js";
import { createResetSampler } from "../../src/drpo/resets/reset-sampler.js";
import { uniformCut } from "../../src/drpo/resets/uniform-cut.js";
import type { Trainer } from "../../src/ports/trainer.js";
import { everyContext } from "../../src/testbed/table.js";
import { tabularModels } from "../../src/testbed/tabular-models.js";
import { BUDGET, EOS, KL_COEF, logitsOf, PROMPT, referenceLogitsOf, scoreOf, STATES } from "./small-tree.js";

const SETTINGS: PolicySettings = {
  ...{ klPlacement: "reward", klEstimator: "k2", targetKl: null, maxImportanceWeight: null, lossMean: "budget" },
  optimizer: optimizerSchema.parse({ learningRate: 1 }),
  lossOnPrefix: { kind: "none" },
};

/** D_TR of the tests: their cuts are among the states of the tree. */
export const RESPONSES = [
  { id: "long", prompt: PROMPT, response: [1, 0, 1] },
  { id: "short", prompt: PROMPT, response: [0, EOS] },
];

/** A method as it is to be measured. */
export interface Measured {
  readonly algorithm: AlgorithmDefinition;
  readonly options: object;
  readonly settings?: Partial<PolicySettings>;
  /** The exact critic. */
  readonly critic?: (context: readonly number[]) => number;
  readonly spec?: Partial<ResetSpec>;
  readonly rows?: number;
}

/**
 * The gradient of the policy's loss at the first optimiser step of each of many batches, at the same weights: each batch
 * has its own resets and rollouts, drawn by the project's own code.
 * @returns [batches][entries], as in Gradient
 */
export async function gradientsOf(
  { algorithm: definition, options, settings = {}, critic, spec = {}, rows = 12 }: Measured,
  batches: number,
): Promise<number[][]> {
  const models = tabularModels();
  const policy = models.create({ name: "policy", head: "language-model", rule: everyContext(logitsOf) });
  const reference = models.create({
    ...{ name: "reference", head: "language-model", rule: everyContext(referenceLogitsOf), trainable: false },
  });
  const exact = critic ?? (() => 0);
  const criticModel = models.create({
    ...{ name: "critic", head: "scalar", rule: everyContext((context) => [exact(context)]) },
  });
  const parsed = definition.options.parse(options);
  const algorithm: Algorithm = definition.create(parsed, { ...SETTINGS, ...settings });
  const resetSpec = { ...resetSchema.parse({ proportion: 1 }), ...spec };
  const resets = createResetSampler({
    ...{ spec: resetSpec, budget: BUDGET, contextTokens: 10, endTokenIds: [EOS], iterations: batches, seed: 5 },
    ...{ source: datasetSource({ responses: RESPONSES, seed: 5 }), selector: uniformCut("theory") },
    rolloutsPerIteration: rows,
  });
  const found = { policy: [] as number[][] };
  const trainer = observing(models, found);
  const all = { policy, critic: criticModel, reference };
  for (let iteration = 0; iteration < batches; iteration++) {
    const points = await resets.draw({ iteration, models: all }, {});
    const rollouts = await collectRollouts(models.sampler, points, {
      ...{ policy, continuations: resetSpec.continuations },
      params: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [EOS] },
      noise: { seed: 5, purpose: "rollout", iteration },
      firstActionBy: algorithm.firstAction === "evenMixture" ? reference : undefined,
    });
    const scored = rollouts.map((rollout): ScoredRollout => ({ ...rollout, score: scoreOf(rowTokens(rollout)) }));
    if (scored.some((rollout) => responseTokens(rollout).length > BUDGET)) throw new Error("a response is too long");
    const context = {
      ...{ trainer, models: all, iteration, iterations: batches, temperature: 1, klCoef: KL_COEF },
      ...{ budget: BUDGET, endTokenIds: [EOS], seed: 5 },
    };
    await algorithm.update(context, await algorithm.prepare(context, scored));
  }
  return found.policy;
}

/** The trainer, but that a step is looked at instead of made: every batch meets the same weights. */
function observing(models: ReturnType<typeof tabularModels>, found: { readonly policy: number[][] }): Trainer {
  return {
    ...models.trainer,
    optimizerStep({ model }) {
      if (model.name === "policy") {
        const gradients = models.gradients("policy");
        found.policy.push(STATES.flatMap((state) => gradients.get(state.join(" "))?.gradients.slice(0, 2) ?? [0, 0]));
      }
      models.discardGradients(model.name);
      return Promise.resolve({ model, gradientNorm: 0 });
    },
  };
}
