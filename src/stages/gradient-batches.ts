import type { OptimizerOptions } from "../config/optimizer.js";
import type { ModelHandle } from "../domain/model.js";
import { scheduledStep } from "../drpo/scheduled-step.js";
import { DivergedError } from "../errors.js";
import type { BatchRow, LossResult, Loss } from "../ports/trainer.js";
import type { OpenRun } from "./run-context.js";

/** One gradient: rows, and the loss on them. */
export interface GradientBatch {
  readonly rows: readonly BatchRow[];
  readonly loss: Loss;
}

/**
 * Supervised training of one model: a gradient and an optimiser step for each batch, in order.
 * @param figures what to log of a batch beside its loss
 * @returns the model after the last step
 */
export async function trainOnBatches(
  { server, run, progress, call }: OpenRun,
  {
    stage,
    model: first,
    batches,
    optimizer,
    figures = () => ({}),
  }: {
    readonly stage: string;
    readonly model: ModelHandle;
    readonly batches: readonly GradientBatch[];
    readonly optimizer: OptimizerOptions;
    readonly figures?: (batch: GradientBatch, result: LossResult) => Readonly<Record<string, number>>;
  },
): Promise<ModelHandle> {
  const { trainer } = server;
  const task = progress.start(stage, batches.length, "batches");
  let model = first;
  for (const [index, batch] of batches.entries()) {
    const gradients = await trainer.forwardBackward({ rows: batch.rows }, [{ model, loss: batch.loss }], call);
    const place = { requestIds: [gradients.requestId], index, total: batches.length };
    const { gradientNorm, learningRate, ...step } = await scheduledStep(trainer, { model, optimizer, ...place }, call);
    model = step.model;
    await trainer.release([], call);

    const result = gradients.losses[0]!;
    if (!Number.isFinite(result.loss)) {
      throw new DivergedError(
        `Batch ${index + 1} of the ${stage} stage: the loss is ${result.loss}. Lower its learning rate.`,
      );
    }
    const metrics = { loss: result.loss, learningRate, gradientNorm, ...figures(batch, result) };
    await run.appendMetrics({ stage, iteration: index + 1, metrics });
    task.update(index + 1, { loss: result.loss });
  }
  task.end();
  return model;
}

/** Cuts into runs of `size`; the last one is shorter. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
