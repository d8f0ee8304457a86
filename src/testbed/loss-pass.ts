import type { BatchRow, Loss, LossResult } from "../ports/trainer.js";
import { addGradients, backward } from "./backward.js";
import { checkLoss } from "./decode-loss.js";
import { forward } from "./forward.js";
import { evaluateLoss, lossOutput } from "./losses.js";
import type { TableGradients } from "./table.js";
import type { TabularModel } from "./tabular-model.js";

/** A loss of a batch, and its gradients by the table's states. */
export interface LossPass extends LossResult {
  readonly gradients: TableGradients;
}

/**
 * Forward and backward pass of one loss; nothing is added to the model yet.
 * @throws INVALID_ARGUMENT if the loss does not fit the batch
 */
export const lossPass = (
  { table }: TabularModel,
  rows: readonly BatchRow[],
  { loss, temperature }: { readonly loss: Loss; readonly temperature: number },
): LossPass => {
  const output = lossOutput(loss);
  const outputs = forward(table, rows, output, temperature);
  checkLoss(loss, { terms: outputs.length, rows: rows.length });
  const { loss: sum, gradients } = evaluateLoss(
    loss,
    outputs,
    rows.map(({ spanLength }) => spanLength),
  );
  return { loss: sum, outputs, gradients: backward(table, rows, { output, temperature }, gradients) };
};

/** Adds a pass's gradients to the model's, under the id of the request that they are of. */
export const accumulate = (model: TabularModel, { gradients }: LossPass, requestId: string): void => {
  for (const one of gradients.values()) addGradients(model.gradients, one.context, one.gradients);
  model.gradientRequestIds.add(requestId);
};

/** Forgets what was accumulated. */
export const discardGradients = (model: TabularModel): void => {
  model.gradients = new Map();
  model.gradientRequestIds = new Set();
};
