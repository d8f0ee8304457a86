import type { BatchRow, Output } from "../ports/trainer.js";
import { scalarContexts, spanTokens } from "./batch.js";
import { entropy, logSoftmax } from "./softmax.js";
import type { Table } from "./table.js";

/** One output of a batch, in its layout. @param temperature divides the logits. */
export const forward = (table: Table, rows: readonly BatchRow[], output: Output, temperature = 1): number[] => {
  switch (output) {
    case "logprobs":
      return spanTokens(rows).map(
        ({ context, token }) => logSoftmax(table.read(context), temperature)[token] as number,
      );
    case "entropy":
      return spanTokens(rows).map(({ context }) => entropy(logSoftmax(table.read(context), temperature)));
    case "values":
    case "scores":
      return scalarContexts(rows, output).map((context) => table.read(context)[0] as number);
  }
};
