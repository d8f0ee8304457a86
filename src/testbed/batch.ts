import type { TokenIds } from "../domain/token-ids.js";
import type { BatchRow, Output } from "../ports/trainer.js";

/** A state and the token that was chosen in it. */
export interface SpanToken {
  readonly context: TokenIds;
  readonly token: number;
}

/** Every token of every span with what is before it, rows one after the other. */
export const spanTokens = (rows: readonly BatchRow[]): SpanToken[] =>
  rows.flatMap(({ tokens, spanStart, spanLength }) =>
    Array.from({ length: spanLength }, (_, i) => ({
      context: tokens.slice(0, spanStart + i),
      token: tokens[spanStart + i] as number,
    })),
  );

/** The contexts whose scalar a scalar output reads: a state for a value, a whole row for a score. */
export const scalarContexts = (rows: readonly BatchRow[], output: Output): TokenIds[] =>
  output === "scores" ? rows.map(({ tokens }) => tokens) : spanTokens(rows).map(({ context }) => context);
