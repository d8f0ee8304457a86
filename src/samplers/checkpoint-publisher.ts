import type { ModelStore } from "../ports/model-store.js";
import type { BatchRow, Trainer } from "../ports/trainer.js";
import type { WeightPublisher } from "../ports/weight-publisher.js";

/** Enough of the hash to tell versions apart by their folder. */
const HASH_DIGITS = 16;

/**
 * Publishes a model as a checkpoint of it alone, without optimiser state, that the trainer writes to
 * `<folder>/sync/<model>-<hash>`.
 * @param trainer.folder of the run's checkpoints, on the trainer: "checkpoints"
 * @param trainer.probeRows what the trainer computes of them is published with the weights
 */
export const checkpointPublisher = ({
  models,
  trainer,
  folder,
  probeRows,
}: {
  readonly models: Pick<ModelStore, "saveCheckpoint" | "deleteCheckpoint">;
  readonly trainer: Pick<Trainer, "forward">;
  readonly folder: string;
  readonly probeRows: readonly BatchRow[];
}): WeightPublisher => ({
  async publish(model, options) {
    const call = { signal: options?.signal };
    const uri = `${folder}/sync/${model.name}-${model.version.weightsHash.slice(0, HASH_DIGITS)}`;
    const [checkpoint, [probeLogprobs]] = await Promise.all([
      models.saveCheckpoint({ uri, models: [model], withOptimizerState: false }, call),
      trainer.forward({ rows: probeRows }, [{ model, output: "logprobs" }], call),
    ]);
    return { model, checkpoint, probeRows, probeLogprobs: probeLogprobs! };
  },

  async withdraw({ checkpoint }, options) {
    await models.deleteCheckpoint(checkpoint.uri, { signal: options?.signal });
  },
});
