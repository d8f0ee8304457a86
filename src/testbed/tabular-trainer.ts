import type { BatchInput, BatchRow, Trainer } from "../ports/trainer.js";
import { checkHead, checkTrainable } from "./check-model.js";
import { checkSignal } from "./check-signal.js";
import { forward } from "./forward.js";
import { accumulate, lossPass } from "./loss-pass.js";
import { lossOutput } from "./losses.js";
import { notFound } from "./service-error.js";
import { stepModel } from "./step-model.js";
import type { TabularRegistry } from "./tabular-registry.js";

/** The Trainer port on tables of this process: what TrainerService does, without a wire. */
export const tabularTrainer = (models: TabularRegistry): Trainer => {
  const keptBatches = new Map<string, readonly BatchRow[]>();
  let requests = 0;

  const take = (batch: BatchInput): readonly BatchRow[] => {
    if ("rows" in batch) {
      if (batch.keepAs !== undefined) keptBatches.set(batch.keepAs, batch.rows);
      return batch.rows;
    }
    const kept = keptBatches.get(batch.keptBatchId);
    if (kept === undefined) throw notFound(`no kept batch ${batch.keptBatchId}`);
    return kept;
  };

  return {
    async forward(batch, outputs, options) {
      checkSignal(options);
      const found = outputs.map(({ model: handle, output }) => {
        const model = models.find(handle);
        checkHead(model, output);
        return model;
      });
      const rows = take(batch);
      return outputs.map(({ output, temperature = 1 }, i) => forward(found[i]!.table, rows, output, temperature));
    },

    async forwardBackward(batch, losses, options) {
      checkSignal(options);
      const found = losses.map(({ model: handle, loss }) => {
        const model = models.find(handle);
        checkTrainable(model, handle.name);
        checkHead(model, lossOutput(loss));
        return model;
      });
      const rows = take(batch);
      const passes = losses.map(({ loss, temperature = 1 }, i) => lossPass(found[i]!, rows, { loss, temperature }));
      const requestId = `request-${++requests}`;
      // Nothing is added before every loss has succeeded.
      for (const [i, pass] of passes.entries()) accumulate(found[i]!, pass, requestId);
      return { requestId, losses: passes.map(({ loss, outputs }) => ({ loss, outputs })) };
    },

    async optimizerStep(step, options) {
      checkSignal(options);
      const model = models.find(step.model);
      checkTrainable(model, step.model.name);
      const gradientNorm = stepModel(model, step);
      return { model: models.advance(step.model.name), gradientNorm };
    },

    async release(keptBatchIds) {
      for (const id of keptBatchIds) keptBatches.delete(id);
    },
  };
};
