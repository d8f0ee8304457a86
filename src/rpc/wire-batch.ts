import type { BatchInput, BatchRow, Output } from "../ports/trainer.js";
import type { BatchInput as WireBatchInput } from "../proto-gen/drpo/v1/common.js";

/** How many numbers an output of a batch holds. */
export interface BatchShape {
  readonly rows: number;
  readonly spanTokens: number;
}

export const shapeOf = (rows: readonly BatchRow[]): BatchShape => ({
  rows: rows.length,
  spanTokens: rows.reduce((sum, { spanLength }) => sum + spanLength, 0),
});

/** Numbers in one output: one a row for scores, one a span token for all others. */
export const outputLength = (shape: BatchShape, output: Output): number =>
  output === "scores" ? shape.rows : shape.spanTokens;

/** Rows are packed: one array of tokens, and three of lengths. */
export const toWireBatch = (batch: BatchInput): WireBatchInput => {
  if ("keptBatchId" in batch) return { source: { $case: "keptBatchId", value: batch.keptBatchId }, keepAs: "" };
  return {
    source: {
      $case: "rows",
      value: {
        tokenIds: batch.rows.flatMap(({ tokens }) => tokens),
        rowLengths: batch.rows.map(({ tokens }) => tokens.length),
        spanStarts: batch.rows.map(({ spanStart }) => spanStart),
        spanLengths: batch.rows.map(({ spanLength }) => spanLength),
      },
    },
    keepAs: batch.keepAs ?? "",
  };
};
