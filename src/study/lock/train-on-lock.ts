import { optimizerSchema } from "../../config/optimizer.js";
import type { TokenizedResponse } from "../../domain/tokenized-dataset.js";
import { responseTokens, rowTokens } from "../../domain/rollout.js";
import { createPpo, ppoOptionsSchema } from "../../drpo/algorithms/ppo.js";
import type { PolicyState } from "../../drpo/commit-iteration.js";
import { datasetSource } from "../../drpo/resets/dataset-source.js";
import { createResetSampler } from "../../drpo/resets/reset-sampler.js";
import { uniformCut } from "../../drpo/resets/uniform-cut.js";
import { type PolicyTraining, trainPolicy } from "../../drpo/train-policy.js";
import type { Progress } from "../../ports/progress.js";
import type { CombinationLock } from "../../testbed/combination-lock.js";
import { responseLogprob } from "../../testbed/exact-kl.js";
import { everyContext } from "../../testbed/table.js";
import { tabularModels } from "../../testbed/tabular-models.js";
import type { LockMethod } from "./lock-methods.js";

/** PPO as it is set for every method and every lock. */
export const LOCK_PPO = {
  rolloutsPerIteration: 32,
  policyLearningRate: 0.05,
  criticLearningRate: 0.1,
  epochs: 2,
  gaeLambda: 0.95,
} as const;

export interface LockRun {
  /** Tokens that were sampled. */
  readonly tokens: number;
  /** Exact probability of the right response from the prompt, at the end. */
  readonly success: number;
  readonly isSolved: boolean;
}

const SILENT: Progress = { start: () => ({ update: () => {}, end: () => {} }), note: () => {} };

/**
 * Trains a table on a lock with the project's loop and its PPO, from the uniform policy, until the right response has the
 * probability that counts as solved or the tokens are used up. Every context is a state of its own: nothing that is learnt
 * of one carries over to another.
 */
export const trainOnLock = async (
  lock: CombinationLock,
  given: {
    readonly method: LockMethod;
    readonly data: readonly TokenizedResponse[];
    readonly seed: number;
    readonly budgetTokens: number;
    /** Success from which on a lock is solved. */
    readonly solvedAt: number;
  },
  signal?: AbortSignal,
): Promise<LockRun> => {
  const { seed, budgetTokens, solvedAt } = given;
  const models = tabularModels();
  const uniform = everyContext(() => new Array<number>(lock.actions).fill(0));
  const policy = models.create({ name: "policy", head: "language-model", rule: uniform });
  const reference = models.copy(policy, { name: "reference", trainable: false });
  const critic = models.create({ name: "critic", head: "scalar", rule: everyContext(() => [0]) });

  let tokens = 0;
  const training = {
    ...{ sampler: models.sampler, trainer: models.trainer, budget: lock.maxNewTokens, seed, continuations: 1 },
    algorithm: ppoOfLock(),
    resetSampler: resetsOf(lock, given),
    scorer: {
      score: (rollouts) =>
        Promise.resolve(
          rollouts.map((rollout) => ({
            ...rollout,
            score: lock.score({ row: rowTokens(rollout), tokens: responseTokens(rollout) }),
          })),
        ),
    },
    commitIteration: (state, observations) => {
      tokens += observations.reduce((sum, { rollout }) => sum + rollout.generated.length, 0);
      return Promise.resolve(state);
    },
    run: { appendMetrics: () => Promise.resolve() },
    progress: SILENT,
    params: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [] },
    endTokenIds: [],
    adaptiveKl: null,
    maxKl: Infinity,
  } satisfies Omit<PolicyTraining, "iterations">;

  const success = () => Math.exp(responseLogprob(models.policy("policy"), lock.context, lock.path));
  let state: PolicyState = {
    ...{ iteration: 0, models: { policy, reference, critic }, best: null, kept: [] },
    memory: { klCoef: 0, fractions: {} },
  };
  // One iteration at a time, as a resumed run would go on: the loop itself knows no budget of tokens.
  while (tokens < budgetTokens && success() < solvedAt) {
    state = await trainPolicy({ ...training, iterations: state.iteration + 1 }, state, { signal });
  }
  return { tokens, success: success(), isSolved: success() >= solvedAt };
};

const ppoOfLock = () => {
  const { policyLearningRate, criticLearningRate, epochs, gaeLambda } = LOCK_PPO;
  return createPpo(
    ppoOptionsSchema.parse({
      ...{ kind: "ppo", epochs, gaeLambda, valueClipRange: 0, valueCoef: 1 },
      criticOptimizer: { learningRate: criticLearningRate },
    }),
    {
      ...{ klPlacement: "reward", klEstimator: "k2", targetKl: null, maxImportanceWeight: null, lossMean: "tokens" },
      optimizer: optimizerSchema.parse({ learningRate: policyLearningRate }),
      lossOnPrefix: { kind: "none" },
    },
  );
};

const resetsOf = (
  { maxNewTokens: budget }: CombinationLock,
  {
    method,
    data,
    seed,
  }: { readonly method: LockMethod; readonly data: readonly TokenizedResponse[]; readonly seed: number },
) =>
  createResetSampler({
    spec: { proportion: method.proportion, continuations: 1, prefixCountsInBudget: true, endOfSequenceCounts: true },
    source: datasetSource({ responses: data, seed }),
    selector: uniformCut(method.law),
    ...{ budget, contextTokens: budget + 1, endTokenIds: [], seed },
    // Only a schedule would ask.
    iterations: 1,
    rolloutsPerIteration: LOCK_PPO.rolloutsPerIteration,
  });
