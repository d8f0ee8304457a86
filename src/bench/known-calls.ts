import type { SampleContext } from "../ports/sampler.js";
import { planSubBatches } from "../samplers/plan-sub-batches.js";
import type { KnownCall } from "../testbed/fleet/list-schedule.js";

/** A call whose rows' lengths are known. */
export interface ScoredCall extends KnownCall {
  /** Prompt and response tokens, which scoring takes its time for. */
  readonly scoredTokens: number;
}

/** Some continuations of a context. */
interface Piece {
  readonly contextIndex: number;
  readonly firstSeed: number;
  readonly seeds: number;
}

/**
 * The rows of an iteration in calls: as the pool cuts them, each context by itself, and each row by itself. Whoever computes a
 * context's first continuation computes the context; the others have it for nothing, even elsewhere.
 * @param lengths of the responses, in the order of contexts and seeds; [rows]
 */
export const cutIntoCalls = (contexts: readonly SampleContext[], lengths: Uint32Array, samplerRows: number) => {
  let rows = 0;
  const offsets = contexts.map(({ seeds }) => (rows += seeds.length) - seeds.length);
  const callOf = (pieces: readonly Piece[]): ScoredCall => {
    const called = pieces.flatMap(({ contextIndex, firstSeed, seeds }) => {
      const contextTokens = contexts[contextIndex]!.tokens.length;
      return Array.from({ length: seeds }, (_, i) => ({
        newTokens: lengths[offsets[contextIndex]! + firstSeed + i]!,
        prefillTokens: firstSeed + i === 0 ? contextTokens : 0,
        contextTokens,
      }));
    });
    return {
      key: contexts[pieces[0]!.contextIndex]!.seeds[pieces[0]!.firstSeed]!,
      rows: called,
      scoredTokens: called.reduce((sum, { contextTokens, newTokens }) => sum + contextTokens + newTokens, 0),
    };
  };
  const whole = contexts.map(({ seeds }, contextIndex) => ({ contextIndex, firstSeed: 0, seeds: seeds.length }));
  return {
    bySubBatch: planSubBatches(contexts, samplerRows).map(({ contexts: inside, places }) =>
      callOf(places.map((place, i) => ({ ...place, seeds: inside[i]!.seeds.length }))),
    ),
    byContext: whole.map((piece) => callOf([piece])),
    byRow: whole.flatMap((piece) =>
      Array.from({ length: piece.seeds }, (_, firstSeed) => callOf([{ ...piece, firstSeed, seeds: 1 }])),
    ),
  };
};
