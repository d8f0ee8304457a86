import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

/** A response y to a prompt x, in token ids, as it is scored: whole, with the prefix that was reset to. */
export interface ResponseInTokens {
  readonly prompt: TokenIds;
  /** Up to its end-of-sequence token, that included, if it has one. */
  readonly response: TokenIds;
  /** True if it ends by itself; false if the budget cut it off. */
  readonly ended: boolean;
  /** The response of the data that its prefix was cut from; null where it starts at the prompt. */
  readonly sourceId: string | null;
}

/** The same with its texts. */
export interface ScorableResponse extends ResponseInTokens {
  /** As the data has it; of a prompt that is not in the data, without special tokens. */
  readonly promptText: string;
  /** Without special tokens. */
  readonly responseText: string;
}

/** Scores that come from elsewhere than a reward model: a user's function, a service. */
export interface RewardFunction {
  /**
   * What the scores depend on, for the keys of what is measured with them and kept in the cache. Null if that cannot be
   * known, as of a service: then it is kept for its own run only.
   */
  readonly dependsOn: Readonly<Record<string, unknown>> | null;
  /** @returns r(x, y) of each response, finite, in units of the function's own; [responses]. */
  score(responses: readonly ScorableResponse[], options?: CallOptions): Promise<readonly number[]>;
}

/** What a user's function is told beside the response. */
export interface UserRewardContext {
  /** `reward.options` of the recipe. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Aborted when the run is interrupted. */
  readonly signal: AbortSignal;
}

/**
 * What a module exports to score responses; a recipe names it by `"reward": { "kind": "function", "module": "score.ts" }`.
 * The higher the score, the better the response. It should depend on its arguments alone: a resumed run scores again what
 * was not committed.
 *
 * @example
 * ```ts
 * import type { UserRewardFunction } from "drpo";
 *
 * // 1 for the right sum, less a little for every token.
 * const score: UserRewardFunction = ({ promptText, responseText, response }, { options }) => {
 *   const [, a, b] = /(\d+) \+ (\d+)/.exec(promptText) ?? [];
 *   const isRight = Number(responseText.trim()) === Number(a) + Number(b);
 *   return (isRight ? 1 : 0) - Number(options["tokenCost"] ?? 0) * response.length;
 * };
 * export default score;
 * ```
 */
export type UserRewardFunction = (response: ScorableResponse, context: UserRewardContext) => number | Promise<number>;
