import type { PolicyModels } from "../algorithms/algorithm.js";
import type { RolloutRef } from "../../domain/rollout.js";
import type { TokenIds } from "../../domain/token-ids.js";
import type { Random } from "../../math/random.js";
import type { CallOptions } from "../../ports/call-options.js";

/** What is known when an iteration's resets are drawn. */
export interface DrawContext {
  /** 0-based. */
  readonly iteration: number;
  readonly models: PolicyModels;
}

/** A response that a prefix can be cut from. */
export interface ResetCandidate {
  readonly prompt: TokenIds;
  /** Null: there is none yet (a live source writes it), or none at all (the rollout starts at the prompt). */
  readonly response: TokenIds | null;
  /** Stable over iterations where the source has examples that come again. */
  readonly id: string;
  /** The rollout that the response is, where it is the policy's own. */
  readonly parent?: RolloutRef;
}

/** Draws the candidate of a row from the row's own random numbers. */
export type DrawCandidate = (random: Random) => ResetCandidate;

/**
 * Where responses to reset into come from: the data, a pool, earlier rollouts, another policy. A source of one's own (a
 * segment tree, another model's prefixes) implements this; see docs/algorithms.md.
 */
export interface ResetSource {
  /** Gets ready for an iteration; asynchronous, as a source may have to read what was written before. */
  open(context: DrawContext, options?: CallOptions): Promise<DrawCandidate>;
  /**
   * Writes the responses of candidates that have none: asked only for rows that are to be reset.
   * @returns one response for each candidate
   */
  write?(
    candidates: readonly (ResetCandidate & { readonly row: number })[],
    context: DrawContext,
    options?: CallOptions,
  ): Promise<readonly TokenIds[]>;
}
