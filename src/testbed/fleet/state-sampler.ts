import type { SamplingParams } from "../../ports/sampler.js";
import { uniform } from "../../math/noise.js";
import { logSoftmax } from "../softmax.js";
import type { Table } from "../table.js";
import type { FinishReason } from "../../domain/rollout.js";
import type { TokenIds } from "../../domain/token-ids.js";

interface Distribution {
  readonly logprobs: readonly number[];
  /** Probabilities of the tokens up to each, summed up in the order of their ids. */
  readonly covered: readonly number[];
}

/** A context to continue, and the noise to do it with. */
export interface SeededContext {
  readonly tokens: TokenIds;
  readonly maxNewTokens: number;
  readonly firstPosition: number;
  readonly seed: bigint;
}

/**
 * Samples what `sampleRollout` does from a table whose states are last tokens, and keeps each state's distribution: a
 * fleet writes a million tokens from a hundred states.
 */
export const createStateSampler = (table: Table, params: SamplingParams) => {
  const kept = new Map<number, Distribution>();
  const distributionAfter = (last: number): Distribution => {
    const known = kept.get(last);
    if (known !== undefined) return known;
    const logprobs = logSoftmax(table.read([last]), params.temperature);
    let sum = 0;
    const made = { logprobs, covered: logprobs.map((logprob) => (sum += Math.exp(logprob))) };
    kept.set(last, made);
    return made;
  };
  return ({ tokens: context, maxNewTokens, firstPosition, seed }: SeededContext) => {
    const [tokens, logprobs]: [number[], number[]] = [[], []];
    let last = context.at(-1)!;
    let finishReason: FinishReason = "length";
    while (tokens.length < maxNewTokens) {
      const distribution = distributionAfter(last);
      last = firstAbove(distribution.covered, uniform(seed, firstPosition + tokens.length));
      tokens.push(last);
      logprobs.push(distribution.logprobs[last]!);
      if (params.stopTokenIds.includes(last)) {
        finishReason = "stop";
        break;
      }
    }
    return { tokens, logprobs, finishReason };
  };
};

/** The first token at which the sum exceeds the noise's share of all. */
const firstAbove = (covered: readonly number[], noise: number): number => {
  const wanted = noise * covered.at(-1)!;
  let [low, high] = [0, covered.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (covered[middle]! > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
};
