import type { OptimizerOptions } from "../config/optimizer.js";
import type { ModelHandle } from "../domain/model.js";
import { learningRateAt } from "../math/learning-rate.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Trainer } from "../ports/trainer.js";

/** One AdamW step at the rate that the schedule gives to its place in the stage. */
export async function scheduledStep(
  trainer: Trainer,
  step: {
    readonly model: ModelHandle;
    /** The gradients that the step uses. */
    readonly requestIds: readonly string[];
    readonly optimizer: OptimizerOptions;
    /** 0-based place among the optimiser steps of the stage. */
    readonly index: number;
    /** Optimiser steps of the stage. */
    readonly total: number;
  },
  options?: CallOptions,
): Promise<{ readonly model: ModelHandle; readonly gradientNorm: number; readonly learningRate: number }> {
  const { model, requestIds, optimizer, index, total } = step;
  const { beta1, beta2, epsilon, weightDecay, maxGradientNorm } = optimizer;
  const learningRate = learningRateAt(optimizer, index, total);
  const adamw = { learningRate, beta1, beta2, epsilon, weightDecay };
  const stepped = await trainer.optimizerStep({ model, requestIds, adamw, maxGradientNorm }, options);
  return { ...stepped, learningRate };
}
