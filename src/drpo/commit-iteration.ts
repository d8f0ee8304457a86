import type { Observation } from "../domain/experience.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ModelStore } from "../ports/model-store.js";
import type { Commit, RunDirectory, RunMemory } from "../ports/run-directory.js";
import type { Sampler } from "../ports/sampler.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { PolicyModels } from "./algorithms/algorithm.js";
import { recordRollouts } from "./record-rollouts.js";
import type { Validation } from "./validate-policy.js";

/** Where the policy stage stands. */
export interface PolicyState {
  /** Iterations done. */
  readonly iteration: number;
  readonly models: PolicyModels;
  /** What moves between iterations beside the weights. */
  readonly memory: RunMemory;
  readonly best: Commit["best"];
  /** Checkpoints on the server, the newest last. */
  readonly kept: readonly string[];
}

export type CommitIteration = (
  state: PolicyState,
  /** None where the update is offline. */
  observations: readonly Observation[],
  options: CallOptions,
) => Promise<PolicyState>;

/**
 * Ends an iteration. The order is the guarantee: rollouts and metrics first, then the checkpoint, complete on disk, then
 * one journal line: after it the iteration has happened, before it everything newer than the last line is dropped.
 */
export function iterationCommitter({
  models,
  sampler,
  tokenizer,
  run,
  validate,
  checkpointFolder,
  iterations,
  checkpointEvery,
  validateEvery,
}: {
  readonly models: ModelStore;
  readonly sampler: Sampler;
  readonly tokenizer: Tokenizer;
  readonly run: RunDirectory;
  readonly validate: (state: PolicyState, options: CallOptions) => Promise<Validation>;
  /** On the server: "checkpoints", or a folder below it where a server is shared by runs. */
  readonly checkpointFolder: string;
  readonly iterations: number;
  readonly checkpointEvery: number;
  readonly validateEvery: number;
}): CommitIteration {
  return async (state, observations, options) => {
    const { iteration } = state;
    if (observations.length > 0) {
      await run.writeRollouts(iteration, await recordRollouts(tokenizer, observations, options));
    }
    await sampler.syncWeights(state.models.policy, options);

    const isLast = iteration === iterations;
    const isValidated = isLast || iteration % validateEvery === 0;
    if (!isValidated && iteration % checkpointEvery !== 0) return state;

    const validation = isValidated ? await validate(state, options) : null;
    if (validation) await run.appendMetrics({ stage: "validation", iteration, metrics: validation });

    const uri = `${checkpointFolder}/iteration-${String(iteration).padStart(6, "0")}`;
    const trained = [state.models.policy, ...(state.models.critic ? [state.models.critic] : [])];
    const checkpoint = await models.saveCheckpoint({ uri, models: trained, withOptimizerState: true }, options);
    const isBest = validation !== null && (state.best === null || validation.objective > state.best.objective);
    const best = isBest ? { checkpoint, iteration, objective: validation.objective } : state.best;
    const kept = [...state.kept.filter((name) => name !== uri), uri];
    const memory = await run.writeMemory(iteration, state.memory);
    await run.commit({ iteration, checkpoint, best, kept, memory });

    const wanted = new Set([...kept.slice(-2), best?.checkpoint.uri]);
    for (const old of kept.filter((name) => !wanted.has(name))) await models.deleteCheckpoint(old, options);
    return { ...state, best, kept: kept.filter((name) => wanted.has(name)) };
  };
}
