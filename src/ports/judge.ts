/** Two responses to the same prompt. */
export interface Comparison {
  readonly prompt: string;
  readonly first: string;
  readonly second: string;
}

/** Which of two responses is better. A tie counts one half. */
export type Verdict = "first" | "second" | "tie";

/** One answer of a judge that is asked in words. `first` and `second` are those of the comparison, wherever they stood. */
export interface ComparisonAnswer {
  /** Which response stood first in the question. */
  readonly firstShown: "first" | "second";
  /** Null where the answer cannot be read. */
  readonly preferred: Verdict | null;
  readonly text: string;
}

/** What a judge says of one comparison. */
export interface Judgement {
  /** Null where the judge gave no verdict that can be read: the comparison is kept, and counts as unjudged. */
  readonly verdict: Verdict | null;
  /** What it said, in the order of asking; empty for a judge that is not asked in words. */
  readonly answers: readonly ComparisonAnswer[];
}

export interface JudgeCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the comparisons judged so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Says which of two responses is better.
 *
 * @example
 * ```ts
 * import type { Judge } from "drpo";
 *
 * // The shorter response is better.
 * const shorter: Judge = {
 *   name: "shorter",
 *   compare: (comparisons) =>
 *     Promise.resolve(
 *       comparisons.map(({ first, second }) => {
 *         const difference = second.length - first.length;
 *         return { verdict: difference > 0 ? "first" : difference < 0 ? "second" : "tie", answers: [] };
 *       }),
 *     ),
 * };
 * ```
 */
export interface Judge {
  /** Shown in reports, and what its verdicts are kept under: no two judges of an evaluation may share it. */
  readonly name: string;
  /** @returns one judgement a comparison, in their order. @throws InterruptedError when aborted */
  compare(comparisons: readonly Comparison[], options?: JudgeCallOptions): Promise<readonly Judgement[]>;
}
