import { type MeanAndSpread, meanAndSpread } from "./mean-and-spread.js";
import { mean } from "./statistics.js";

/** Responses that went about as far from SFT. */
export interface FrontierBin {
  /** Mean KL to SFT, nats a response, and the smallest and largest. */
  readonly kl: number;
  readonly klLow: number;
  readonly klHigh: number;
  readonly score: MeanAndSpread;
}

/**
 * What score a policy gets for the KL that it spends: responses sorted by KL and cut into bins of equal counts (they differ
 * by one at most), as in Figures 1 and 2 of Chang et al. 2024 (arXiv 2404.08495).
 * @returns bins by rising KL; fewer where there are fewer responses
 */
export function klFrontier(
  responses: readonly { readonly kl: number; readonly score: number }[],
  bins: number,
): readonly FrontierBin[] {
  const sorted = responses.toSorted((a, b) => a.kl - b.kl);
  const count = Math.min(bins, sorted.length);
  const edge = (bin: number) => Math.round((bin * sorted.length) / count);
  return Array.from({ length: count }, (_, bin) => {
    const inBin = sorted.slice(edge(bin), edge(bin + 1));
    return {
      kl: mean(inBin.map(({ kl }) => kl)),
      ...{ klLow: inBin[0]!.kl, klHigh: inBin.at(-1)!.kl },
      score: meanAndSpread(inBin.map(({ score }) => score)),
    };
  });
}
