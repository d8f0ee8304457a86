import type { Commit } from "../ports/run-directory.js";
import type { PolicyModels } from "../drpo/algorithms/algorithm.js";
import { iterationCommitter, type PolicyState } from "../drpo/commit-iteration.js";
import { datasetResetSampler } from "../drpo/reset-sampler.js";
import { trainPolicy } from "../drpo/train-policy.js";
import { validatePolicy, type Validation } from "../drpo/validate-policy.js";
import { writeFromPrompts } from "../drpo/write-from-prompts.js";
import { BadInputError } from "../errors.js";
import { seedAt } from "../math/seeds.js";
import type { ModelHandle } from "../domain/model.js";
import type { TokenizedResponse } from "../domain/tokenized-dataset.js";
import type { CallOptions } from "../ports/call-options.js";
import { scorerOf, type RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** Algorithm 1, step 3: wires the loop of drpo/train-policy.ts to the recipe, from the last commit on if there is one. */
export async function policyStage(run: OpenRun, sft: SftOutput, reward: RewardOutput): Promise<Commit> {
  const { recipe, server, algorithm, progress } = run;
  const options = recipe.policy;
  const seed = options.seed ?? recipe.seed;
  const scorer = scorerOf(run, reward, options.missingEosScore);
  const params = { ...options.sampling, stopTokenIds: [run.tokenizerInfo.eosTokenId] };
  const resetSampler = datasetResetSampler({
    ...{ responses: resetSource(run), spec: options.reset, budget: recipe.response.maxTokens },
    ...{ rolloutsPerIteration: options.rolloutsPerIteration, seed },
  });

  const validate = async ({ models, iteration }: PolicyState, call: CallOptions): Promise<Validation> => {
    const task = progress.start(`validation after iteration ${iteration}`, options.validation.rollouts, "responses");
    const written = await writeFromPrompts(
      { ...server, scorer: scorerOf(run, reward) },
      {
        ...{ policy: models.policy, reference: models.reference, prompts: run.data.heldOut, params },
        ...{ responses: options.validation.rollouts, budget: recipe.response.maxTokens },
        noise: { seed, purpose: "validation", iteration: 0 },
      },
      { ...call, onProgress: (done) => task.update(done) },
    );
    const validation = validatePolicy(written, options.klCoef);
    task.end(`score ${validation.score.toFixed(2)}, KL ${validation.kl.toFixed(1)}`);
    return validation;
  };

  const commitIteration = iterationCommitter({
    ...{ ...server, run: run.run, validate, iterations: options.iterations },
    ...{ checkpointEvery: options.checkpointEvery, validateEvery: options.validation.every },
    // A local server writes into the run directory; a remote one may serve many runs.
    checkpointFolder: recipe.server.kind === "local" ? "checkpoints" : `checkpoints/${run.run.runId}`,
  });
  const state = await firstState(run, sft, reward, seed);
  await trainPolicy(
    {
      ...{ algorithm, resetSampler, scorer, commitIteration, params, seed, progress },
      ...{ sampler: server.sampler, trainer: server.trainer, run: run.run },
      ...{ iterations: options.iterations, continuations: options.reset.continuations, maxKl: options.maxKl },
    },
    state,
    run.call,
  );
  return run.run.lastCommit()!;
}

/** D_TR: the training responses that prefixes are cut from. */
function resetSource({ recipe, data }: OpenRun): readonly TokenizedResponse[] {
  const { minRating } = recipe.policy.reset.source;
  const responses = data.train.flatMap((group) => {
    const best = Math.max(...group.responses.map(({ rating }) => rating));
    return group.responses.filter(({ rating }) => (minRating === undefined ? rating === best : rating > minRating));
  });
  if (responses.length === 0) {
    throw new BadInputError(
      `No response of the training split is rated above policy.reset.source.minRating = ${minRating}: there is nothing to reset into.`,
    );
  }
  return responses;
}

/** The models of the last commit; or pi_1 = pi_SFT, and a critic that starts from the reward model. */
async function firstState(run: OpenRun, sft: SftOutput, reward: RewardOutput, seed: number): Promise<PolicyState> {
  const { server, algorithm, call } = run;
  const { reference } = sft;
  const commit = run.run.lastCommit();
  if (commit) {
    run.progress.note(`policy: going on after iteration ${commit.iteration}`);
    const names = ["policy", ...(algorithm.needsCritic ? ["critic"] : [])];
    const [policy, critic = null] = await server.models.restoreCheckpoint(
      commit.checkpoint,
      names.map((name) => ({ savedName: name, name, trainable: true })),
      call,
    );
    await server.sampler.syncWeights(policy!, call);
    return {
      iteration: commit.iteration,
      best: commit.best,
      kept: commit.kept,
      models: { policy: policy!, critic, reference },
    };
  }
  const { base, shape } = run.recipe.model;
  const policy = await server.models.createModel(
    {
      ...{ name: "policy", base, shape, head: "language-model", trainable: true },
      ...{ seed: seedAt(seed, "model", 2), initialisedFrom: { copyOf: reference.name } },
    },
    call,
  );
  const critic = algorithm.needsCritic ? await createCritic(run, sft, reward, seed) : null;
  await server.sampler.syncWeights(policy, call);
  const models: PolicyModels = { policy, critic, reference };
  return { iteration: 0, best: null, kept: [], models };
}

/**
 * The critic starts from the reward model's adapter. Its head reads the policy's text, so it starts from zeros: the
 * reward model's own head reads another text (its template) in other units. A reward model on another base gives
 * nothing: then the critic starts from SFT.
 */
async function createCritic(run: OpenRun, sft: SftOutput, reward: RewardOutput, seed: number): Promise<ModelHandle> {
  const { base, shape } = run.recipe.model;
  const copyOf = run.recipe.reward.kind === "folder" ? sft.reference.name : reward.model.name;
  return run.server.models.createModel(
    {
      ...{ name: "critic", base, shape, head: "scalar", trainable: true },
      ...{ seed: seedAt(seed, "model", 3), initialisedFrom: { copyOf, resetHead: true } },
    },
    run.call,
  );
}
