import type { Algorithm, UpdateContext } from "../../src/drpo/algorithms/algorithm.js";
import type { ScoredRollout } from "../../src/domain/rollout.js";
import type { ModelHandle } from "../../src/domain/model.js";
import type { ModelStore } from "../../src/ports/model-store.js";
import type { LossResult, ModelLoss, Trainer } from "../../src/ports/trainer.js";

/** What went in and out of one update. */
export interface RecordedUpdate {
  readonly context: UpdateContext;
  readonly rollouts: readonly ScoredRollout[];
  readonly signal: unknown;
  readonly gradients: { readonly sent: readonly ModelLoss[]; readonly results: readonly LossResult[] }[];
}

/** Checkpoints of an iteration: all models as they were before it, and each trained one after a step. */
export const checkpointBefore = (iteration: number): string => `checkpoints/recorded-${iteration}`;
export const checkpointAfter = (iteration: number, model: string, step: number): string =>
  `${checkpointBefore(iteration)}-${model}-${step}`;

/**
 * The same algorithm, watched from outside: its signal, the losses it sends, and a checkpoint with the optimiser's moments
 * around every step.
 */
export function recordAlgorithm(
  algorithm: Algorithm,
  models: ModelStore,
): { readonly algorithm: Algorithm; readonly updates: readonly RecordedUpdate[] } {
  const updates: RecordedUpdate[] = [];
  const save = (uri: string, handles: readonly ModelHandle[]) =>
    models.saveCheckpoint({ uri, models: handles, withOptimizerState: true });
  return {
    updates,
    algorithm: {
      ...algorithm,
      async prepare(context, rollouts, options) {
        const { policy, critic, reference } = context.models;
        await save(checkpointBefore(context.iteration), [policy, critic!, reference]);
        const signal = await algorithm.prepare(context, rollouts, options);
        updates.push({ context, rollouts, signal, gradients: [] });
        return signal;
      },
      update(context, signal, options) {
        const { gradients } = updates.at(-1)!;
        const steps = new Map<string, number>();
        const trainer: Trainer = {
          ...context.trainer,
          async forwardBackward(batch, losses, call) {
            const computed = await context.trainer.forwardBackward(batch, losses, call);
            gradients.push({ sent: losses, results: computed.losses });
            return computed;
          },
          async optimizerStep(step, call) {
            const stepped = await context.trainer.optimizerStep(step, call);
            const { name } = stepped.model;
            const index = steps.get(name) ?? 0;
            steps.set(name, index + 1);
            await save(checkpointAfter(context.iteration, name, index), [stepped.model]);
            return stepped;
          },
        };
        return algorithm.update({ ...context, trainer }, signal, options);
      },
    },
  };
}
