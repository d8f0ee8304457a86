import type { ResetSpec } from "../config/reset.js";
import type { ResetPoint } from "../domain/rollout.js";
import type { TokenizedResponse } from "../domain/tokenized-dataset.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";

/** Draws the states s_h that an iteration's rollouts start from. Asynchronous: a source may have to sample first. */
export interface ResetSampler {
  draw(iteration: number): Promise<readonly ResetPoint[]>;
}

/**
 * Algorithm 1, step 3a: draw a trajectory from D_TR and a step h, and reset to s_h. With probability 1 - proportion the
 * rollout starts at the trajectory's prompt instead, which is what PPO does for every row.
 *
 * Each row draws from its own seed, in a fixed order, so that runs which differ only in the proportion or the law see
 * the same trajectories.
 * @param responses D_TR: the source's responses with their end-of-sequence token; not empty
 * @param budget H, tokens
 */
export function datasetResetSampler({
  responses,
  spec,
  budget,
  rolloutsPerIteration,
  seed,
}: {
  readonly responses: readonly TokenizedResponse[];
  readonly spec: ResetSpec;
  readonly budget: number;
  readonly rolloutsPerIteration: number;
  readonly seed: number;
}): ResetSampler {
  const drawRow = (iteration: number, row: number): ResetPoint => {
    const random = new Random(seedAt(seed, "reset", iteration, row));
    const source = responses[random.integer(0, responses.length - 1)]!;
    const reset = random.bernoulli(spec.proportion);
    const length = uniformPrefixLength(Math.min(source.response.length, budget), spec.selector.law, random);
    if (!reset || length === null) {
      return { row, prompt: source.prompt, prefix: [], sourceId: null, maxNewTokens: budget };
    }
    const prefix = source.response.slice(0, length);
    const maxNewTokens = spec.prefixCountsInBudget ? budget - length : budget;
    return { row, prompt: source.prompt, prefix, sourceId: source.id, maxNewTokens };
  };
  return {
    draw: (iteration) =>
      Promise.resolve(
        Array.from({ length: rolloutsPerIteration / spec.continuations }, (_, row) => drawRow(iteration, row)),
      ),
  };
}

/**
 * How many tokens of a response the policy is given. Never the whole: at least one token is generated.
 * released: Uniform{1..len-1}, and null (no reset) where len < 2. theory: Uniform{0..len-1}, the prompt being s_1.
 * @param length len: tokens with end of sequence, at most the budget
 */
function uniformPrefixLength(length: number, law: "released" | "theory", random: Random): number | null {
  if (law === "theory") return random.integer(0, length - 1);
  return length < 2 ? null : random.integer(1, length - 1);
}
