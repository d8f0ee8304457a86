import type { TokenIds } from "../domain/token-ids.js";
import type { BatchRow } from "../ports/trainer.js";
import type { BatchInput, TokenBatch } from "../proto-gen/drpo/v1/common.js";
import { invalid, notFound } from "./service-error.js";
import type { RunState, World } from "./world.js";

/** @throws INVALID_ARGUMENT for a row that the base does not accept. */
export const checkTokens = ({ options }: World, tokens: TokenIds, longest = options.contextTokens): void => {
  if (tokens.length < 1 || tokens.length > longest)
    throw invalid(`a row has ${tokens.length} tokens, not 1 to ${longest}`);
  const unknown = tokens.find((token) => token >= options.vocabulary.length);
  if (unknown !== undefined) throw invalid(`token ${unknown} is not in the vocabulary`);
};

/** Packed rows -> rows. @param spans false where spans may be left out */
export const decodeRows = (
  world: World,
  batch: TokenBatch | undefined,
  { spans }: { readonly spans: boolean },
): readonly BatchRow[] => {
  if (batch === undefined || batch.rowLengths.length === 0) throw invalid("a batch needs rows");
  const { tokenIds, rowLengths, spanStarts, spanLengths } = batch;
  const rows = rowLengths.length;
  if (spans && (spanStarts.length !== rows || spanLengths.length !== rows))
    throw invalid("span arrays do not fit the rows");
  if (rowLengths.reduce((sum, length) => sum + length, 0) !== tokenIds.length)
    throw invalid("row lengths do not fit the tokens");
  let start = 0;
  return rowLengths.map((length, row) => {
    const tokens = tokenIds.slice(start, (start += length));
    const [spanStart, spanLength] = [spanStarts[row] ?? 1, spanLengths[row] ?? 0];
    checkTokens(world, tokens);
    const fits = spanStart >= 1 && (spanLength === 0 || spanStart + spanLength <= length);
    if (!fits) throw invalid(`the span of row ${row} does not lie in it`);
    return { tokens, spanStart, spanLength };
  });
};

/** Rows sent now, or undefined for a kept batch, which `takeBatch` looks up once the fence is known to be right. */
export const decodeBatch = (world: World, input: BatchInput | undefined): readonly BatchRow[] | undefined => {
  if (input?.source === undefined) throw invalid("batch: rows or kept_batch_id must be set");
  if (input.source.$case === "rows") return decodeRows(world, input.source.value, { spans: true });
  if (input.keepAs !== "") throw invalid("batch: keep_as goes with rows");
  return undefined;
};

/** The rows of a call, kept under their name if one was given. @throws NOT_FOUND for a kept batch that is gone. */
export const takeBatch = (
  run: RunState,
  input: BatchInput,
  rows: readonly BatchRow[] | undefined,
): readonly BatchRow[] => {
  if (rows === undefined) {
    const id = input.source?.value as string;
    const kept = run.keptBatches.get(id);
    if (kept === undefined) throw notFound(`no kept batch ${id} in run ${run.runId}`);
    return kept;
  }
  if (input.keepAs !== "") run.keptBatches.set(input.keepAs, rows);
  return rows;
};
