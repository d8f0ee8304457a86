import { type MeanAndSpread, meanAndSpread } from "./mean-and-spread.js";

/** Rollouts that start after about as much of a response. */
export interface PrefixBucket {
  /** Tokens of the prefix: more than `moreThan`, at most `upTo`; both are 0 for the prompt itself. */
  readonly moreThan: number;
  readonly upTo: number;
  /** `upTo` as a share of the response budget. */
  readonly upToShare: number;
  readonly score: MeanAndSpread;
}

/**
 * The score that rollouts reach from where they were reset to: the prompt itself, then parts of the response budget. A
 * policy that is better from long prefixes alone has not yet learnt the way there.
 * @param budget tokens of a response; a longer prefix counts to the last part
 * @param parts of the budget: 4 are quarters
 * @returns buckets by rising length; those without rollouts are left out
 */
export function returnByPrefix(
  rollouts: readonly { readonly prefixTokens: number; readonly score: number }[],
  { budget, parts = 4 }: { readonly budget: number; readonly parts?: number },
): readonly PrefixBucket[] {
  const scores = Array.from({ length: parts + 1 }, (): number[] => []);
  for (const { prefixTokens, score } of rollouts) {
    scores[Math.min(Math.ceil((prefixTokens * parts) / budget), parts)]!.push(score);
  }
  return scores.flatMap((inBucket, part) =>
    inBucket.length === 0
      ? []
      : [
          {
            moreThan: (Math.max(part - 1, 0) * budget) / parts,
            ...{ upTo: (part * budget) / parts, upToShare: part / parts },
            score: meanAndSpread(inBucket),
          },
        ],
  );
}
