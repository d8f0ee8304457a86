import type { TokenizedResponse } from "../../domain/tokenized-dataset.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import type { CombinationLock } from "../../testbed/combination-lock.js";

/**
 * D_TR of a lock: some responses are the right one, the others are random and not right.
 * @param data.share of the responses that are right, rounded to whole responses
 */
export const lockData = (
  { context: prompt, path, actions }: CombinationLock,
  { responses, share, seed }: { readonly responses: number; readonly share: number; readonly seed: number },
): readonly TokenizedResponse[] => {
  const random = new Random(seedAt(seed, "sample"));
  const right = Math.round(share * responses);
  const wrongResponse = (): readonly number[] => {
    const tokens = path.map(() => random.integer(0, actions - 1));
    return tokens.every((token, i) => token === path[i]) ? wrongResponse() : tokens;
  };
  return Array.from({ length: responses }, (_, i) => ({
    ...{ id: String(i), prompt },
    ...(i < right ? { response: path, rating: 1 } : { response: wrongResponse(), rating: 0 }),
  }));
};
