/** Over what a loss is averaged. */
export type LossMean = "tokens" | "responses" | "budget";

/**
 * The weight of each token of a row, such that the weighted sum over a batch is the mean asked for:
 * tokens: over all tokens (of each run of `rowsPerMean` rows, and then over the runs); responses: over responses of the
 * mean over their tokens (GRPO, arXiv 2402.03300, eq. 3); budget: over responses of the sum over their tokens divided by
 * the budget (Dr. GRPO, arXiv 2503.20783), the only one whose expectation is a gradient of the return.
 * @param tokens how many tokens of each row count; at least 1 each; [rows]
 * @param order rows are averaged together by their places in this permutation; as they are if left out; [rows]
 * @returns [rows]
 */
export function lossWeights(
  tokens: readonly number[],
  {
    lossMean,
    budget,
    rowsPerMean = null,
    order = tokens.map((_, row) => row),
  }: {
    readonly lossMean: LossMean;
    readonly budget: number;
    readonly rowsPerMean?: number | null;
    readonly order?: readonly number[];
  },
): number[] {
  const rows = tokens.length;
  if (lossMean === "responses") return tokens.map((count) => 1 / (rows * count));
  if (lossMean === "budget") return tokens.map(() => 1 / (rows * budget));
  const size = rowsPerMean ?? rows;
  const runs = Math.ceil(rows / size);
  const weights = new Array<number>(rows);
  for (let run = 0; run < runs; run++) {
    const together = order.slice(run * size, (run + 1) * size);
    const count = together.reduce((sum, row) => sum + tokens[row]!, 0);
    for (const row of together) weights[row] = 1 / (runs * count);
  }
  return weights;
}
