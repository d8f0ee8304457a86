import type { Continuation, PlacedContinuation } from "../ports/sampler.js";
import { checksumOf, type ExpectedRollouts } from "../testbed/fleet/prepare-iteration.js";

/** What went wrong with rows; all zeros where every row is there once and is what one sampler would write. */
export interface RowErrors {
  lost: number;
  doubled: number;
  different: number;
}

/** Counts rows as they come in and as they are answered in the end. */
export const createRowCheck = (contexts: readonly { readonly seeds: readonly bigint[] }[]) => {
  const seen = contexts.map(({ seeds }) => new Uint8Array(seeds.length));
  return {
    onSampled(part: readonly PlacedContinuation[]): void {
      for (const { contextIndex, continuationIndex } of part) seen[contextIndex]![continuationIndex]!++;
    },
    errors(answer: readonly (readonly Continuation[])[], { checksums }: ExpectedRollouts): RowErrors {
      const errors = { lost: 0, doubled: 0, different: 0 };
      let row = 0;
      contexts.forEach(({ seeds }, i) =>
        seeds.forEach((_, j) => {
          const times = seen[i]![j]!;
          const written = answer[i]?.[j];
          if (times === 0 || written === undefined) errors.lost++;
          if (times > 1) errors.doubled++;
          if (written !== undefined && checksumOf(written.tokens) !== checksums[row]) errors.different++;
          row++;
        }),
      );
      return errors;
    },
  };
};
