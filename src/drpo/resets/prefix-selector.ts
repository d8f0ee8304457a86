import type { ScoredRollout } from "../../domain/rollout.js";
import type { TokenIds } from "../../domain/token-ids.js";
import type { Random } from "../../math/random.js";
import type { CallOptions } from "../../ports/call-options.js";

/** A response to cut. */
export interface CutRequest {
  readonly prompt: TokenIds;
  readonly response: TokenIds;
  /** len: tokens of the response that count, within the budget; a prefix is shorter. At least 1. */
  readonly length: number;
  /** The longest prefix that leaves a token to generate, whatever the response's length. */
  readonly longest: number;
  /** Of the example. */
  readonly id: string;
  readonly row: number;
  /** 0-based. */
  readonly iteration: number;
  /** T. */
  readonly iterations: number;
  /** The row's own random numbers. */
  readonly random: Random;
}

export interface Cut {
  /** Tokens of the prefix: 0..len-1. */
  readonly length: number;
  /** The share of the response that was to be given, where the selector goes by shares. */
  readonly fraction?: number;
}

/** Share of the response, at least and at most, from which an example's next prefix is drawn. */
export type FractionInterval = readonly [low: number, high: number];

/** What selectors remember between iterations: intervals by example. It is part of each commit. */
export type SelectorMemory = Readonly<Record<string, FractionInterval>>;

/** Where responses are cut: the h of s_h. */
export interface PrefixSelector {
  /** @returns the cut of each request; null: no reset, the rollout starts at the prompt */
  cut(requests: readonly CutRequest[], memory: SelectorMemory, options?: CallOptions): Promise<readonly (Cut | null)[]>;
  /** What an iteration's scores change about the memory. */
  learn?(memory: SelectorMemory, rollouts: readonly ScoredRollout[]): SelectorMemory;
}

/** A selector that looks at one request at a time and needs no memory. */
export const eachByItself = (cut: (request: CutRequest) => Cut | null): PrefixSelector => ({
  cut: (requests) => Promise.resolve(requests.map(cut)),
});

/** A share of a response in whole tokens: floor(fraction * len), never the whole. */
export const fractionOf = (length: number, fraction: number): Cut => ({
  length: Math.min(Math.floor(fraction * length), length - 1),
  fraction,
});
