import type { TokenIds } from "../domain/token-ids.js";
import type { BatchRow, Output } from "../ports/trainer.js";
import { scalarContexts, spanTokens } from "./batch.js";
import { logSoftmax } from "./softmax.js";
import { contextKey, type Table, type TableGradients } from "./table.js";

/** Adds to one context's gradients. */
export const addGradients = (into: TableGradients, context: TokenIds, gradients: readonly number[]): void => {
  const key = contextKey(context);
  const before = into.get(key)?.gradients;
  if (before === undefined) into.set(key, { context, gradients: [...gradients] });
  else for (const [i, gradient] of gradients.entries()) before[i]! += gradient;
};

/**
 * The chain rule from d loss / d output to the table. For logp = z_a / T - ln sum exp(z / T):
 * d logp / d z_b = (1[a = b] - p_b) / T.
 * @param outputGradients d loss / d output, in the output's layout
 */
export const backward = (
  table: Table,
  rows: readonly BatchRow[],
  { output, temperature = 1 }: { readonly output: Output; readonly temperature?: number },
  outputGradients: readonly number[],
): TableGradients => {
  const gradients: TableGradients = new Map();
  if (output === "logprobs") {
    for (const [i, { context, token }] of spanTokens(rows).entries()) {
      const scale = (outputGradients[i] as number) / temperature;
      const logprobs = logSoftmax(table.read(context), temperature);
      addGradients(
        gradients,
        table.state(context),
        logprobs.map((logprob, b) => scale * ((b === token ? 1 : 0) - Math.exp(logprob))),
      );
    }
  } else {
    const contexts = scalarContexts(rows, output);
    for (const [i, context] of contexts.entries())
      addGradients(gradients, table.state(context), [outputGradients[i] as number]);
  }
  return gradients;
};
