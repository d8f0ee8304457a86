import type { ScoreScale } from "../domain/model.js";
import { isEnded, tokensUntilEnd, type Rollout, type ScoredRollout } from "../domain/rollout.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ResponseInTokens } from "../ports/reward-function.js";
import type { RawScores } from "./raw-scores.js";

/** r(x, y) of whole responses: the prefix that was reset to and what the policy wrote. */
export interface Scorer {
  score(rollouts: readonly Rollout[], options?: CallOptions): Promise<readonly ScoredRollout[]>;
  /** Starts to score rollouts while others are still being sampled; `score` waits for them. Left out: all are scored at once. */
  begin?(rollouts: readonly Rollout[], options?: CallOptions): void;
}

/** A part of a score: weight * (raw - scale.mean) / scale.standardDeviation. */
export interface ScoreTerm {
  readonly weight: number;
  readonly scale: ScoreScale;
  readonly rawScores: RawScores;
}

/** Of scores that are left as they are. */
export const UNSCALED: ScoreScale = { mean: 0, standardDeviation: 1 };

export interface ScorerOptions {
  /** Replaces the score of a response that the policy did not end; null: keeps it. */
  readonly missingEosScore?: number | null;
  /** True: an end token that is the last of the budget counts as missing too, as in the paper's released code. */
  readonly endMustPrecedeLast?: boolean;
}

/** Scores rollouts by a sum of terms. */
export function sumScorer(
  terms: readonly ScoreTerm[],
  {
    endTokenIds,
    missingEosScore = null,
    endMustPrecedeLast = false,
  }: ScorerOptions & {
    readonly endTokenIds: readonly number[];
  },
): Scorer {
  return {
    async score(rollouts, options) {
      const responses = rollouts.map((rollout) => scoredResponse(rollout, endTokenIds));
      const scores = await sumOfTerms(terms, responses, options);
      return rollouts.map((rollout, i) => {
        const { generated, reset } = rollout;
        const isLate = endMustPrecedeLast && tokensUntilEnd(generated, endTokenIds) === reset.maxNewTokens;
        const isMissing = !responses[i]!.ended || isLate;
        return { ...rollout, score: isMissing && missingEosScore !== null ? missingEosScore : scores[i]! };
      });
    },
  };
}

/**
 * What is scored of a rollout: prefix and generated tokens, up to the first end token among the generated ones. A
 * rollout of a fixed length goes on after it, and what follows is no part of the response.
 */
export function scoredResponse({ reset, generated }: Rollout, endTokenIds: readonly number[]): ResponseInTokens {
  const written = generated.slice(0, tokensUntilEnd(generated, endTokenIds));
  return {
    prompt: reset.prompt,
    response: [...reset.prefix, ...written],
    ended: isEnded(written, endTokenIds),
    sourceId: reset.sourceId,
  };
}

/** The weighted sum of the terms' scores; [responses]. Terms take turns, and share the progress. */
export async function sumOfTerms(
  terms: readonly ScoreTerm[],
  responses: readonly ResponseInTokens[],
  { signal, onProgress }: CallOptions = {},
): Promise<readonly number[]> {
  const sums = responses.map(() => 0);
  for (const [index, { weight, scale, rawScores }] of terms.entries()) {
    const raw = await rawScores(responses, {
      signal,
      onProgress: (done, total) => onProgress?.((index * total + done) / terms.length, total),
    });
    raw.forEach((score, i) => (sums[i]! += (weight * (score - scale.mean)) / scale.standardDeviation));
  }
  return sums;
}
