import type { BatchInput, BatchRow, Output } from "../ports/trainer.js";
import type { BatchInput as WireBatchInput, TokenBatch } from "../proto-gen/drpo/v1/common.js";

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
export const toWireRows = (rows: readonly BatchRow[]): TokenBatch => ({
  tokenIds: rows.flatMap(({ tokens }) => tokens),
  rowLengths: rows.map(({ tokens }) => tokens.length),
  spanStarts: rows.map(({ spanStart }) => spanStart),
  spanLengths: rows.map(({ spanLength }) => spanLength),
});

export const toWireBatch = (batch: BatchInput): WireBatchInput => {
  if ("keptBatchId" in batch) return { source: { $case: "keptBatchId", value: batch.keptBatchId }, keepAs: "" };
  return { source: { $case: "rows", value: toWireRows(batch.rows) }, keepAs: batch.keepAs ?? "" };
};
