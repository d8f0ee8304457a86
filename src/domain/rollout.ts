import type { ModelVersion } from "./model.js";
import type { TokenIds } from "./token-ids.js";

/** A state s_h to reset to: the prompt and the first tokens of a response. An empty prefix is the prompt itself. */
export interface ResetPoint {
  /** Row of the iteration; with the iteration it seeds everything that is random about the rollout. */
  readonly row: number;
  readonly prompt: TokenIds;
  readonly prefix: TokenIds;
  /** The response that the prefix was cut from; null where the rollout starts at the prompt. */
  readonly sourceId: string | null;
  /** Tokens that may be generated from here; at least 1. */
  readonly maxNewTokens: number;
}

export type FinishReason = "stop" | "length";

/** What the policy wrote from a reset point. */
export interface Rollout {
  readonly reset: ResetPoint;
  /** Index among the continuations of the same reset point. */
  readonly continuation: number;
  /** Generated tokens, the end-of-sequence token included; at least 1. */
  readonly generated: TokenIds;
  /** The sampler's log-probability of each generated token, at the sampling temperature; [generated.length]. */
  readonly samplerLogprobs: readonly number[];
  readonly finishReason: FinishReason;
  /** The weights that wrote it. */
  readonly version: ModelVersion;
}

/** A rollout with its score r(x, y), in units of the SFT policy's samples (see ScoreScale). */
export interface ScoredRollout extends Rollout {
  readonly score: number;
}

/** prompt + prefix + generated: the row that the models read. */
export const rowTokens = ({ reset, generated }: Rollout): TokenIds => [...reset.prompt, ...reset.prefix, ...generated];

/** prefix + generated: the response y, with its end-of-sequence token if it has one. */
export const responseTokens = ({ reset, generated }: Rollout): TokenIds => [...reset.prefix, ...generated];
