import type { TokenizedResponse } from "../../domain/tokenized-dataset.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import type { DrawCandidate, ResetSource } from "./reset-source.js";

/**
 * Responses that were there before training: D_TR of Algorithm 1, or a pool.
 * @param responses with their end-of-sequence token where they have one; not empty
 * @param parts T: split into so many equal parts by a seeded order, one an iteration (Algorithm 2); null: all, always
 */
export function datasetSource({
  responses,
  parts = null,
  seed,
}: {
  readonly responses: readonly Pick<TokenizedResponse, "id" | "prompt" | "response">[];
  readonly parts?: number | null;
  readonly seed: number;
}): ResetSource {
  const ordered = parts === null ? responses : new Random(seedAt(seed, "reset", -1)).shuffled(responses);
  const part = (iteration: number) => {
    if (parts === null) return ordered;
    const cut = (index: number) => Math.floor((index * ordered.length) / parts);
    return ordered.slice(cut(iteration % parts), cut((iteration % parts) + 1));
  };
  return {
    open({ iteration }) {
      const open = part(iteration);
      const draw: DrawCandidate = (random) => open[random.integer(0, open.length - 1)]!;
      return Promise.resolve(draw);
    },
  };
}
