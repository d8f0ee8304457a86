import { EnvironmentError } from "../errors.js";

/**
 * Cuts a packed array back into rows.
 * @param lengths of the rows; [rows]. @throws EnvironmentError if they do not fit the array or the rows asked for.
 */
export const splitRows = <T>(
  packed: readonly T[],
  lengths: readonly number[],
  rows: number,
  rpc: string,
): readonly (readonly T[])[] => {
  let start = 0;
  const split = lengths.map((length) => packed.slice(start, (start += length)));
  if (split.length !== rows || start !== packed.length) {
    throw new EnvironmentError(
      `${rpc}: the server answered ${packed.length} tokens as ${lengths.length} rows of ${start} tokens for ${rows} rows.`,
    );
  }
  return split;
};
