import type { Rollout, ScoredRollout } from "../domain/rollout.js";
import type { Scorer } from "./score-rollouts.js";

/**
 * A scorer that can begin with some rollouts while others are still being sampled. Which are scored together is decided
 * by who begins, so scores are the same to the last bit as long as that is a function of the rollouts asked for.
 */
export function scoreAhead(scorer: Scorer): Scorer {
  const begun = new WeakMap<Rollout, Promise<ScoredRollout>>();
  return {
    begin(rollouts, options) {
      const scoring = scorer.score(rollouts, { signal: options?.signal });
      rollouts.forEach((rollout, i) => {
        const score = scoring.then((scored) => scored[i]!);
        // Whoever asks for the score hears of it.
        score.catch(() => undefined);
        begun.set(rollout, score);
      });
    },

    async score(rollouts, options) {
      const rest = rollouts.filter((rollout) => !begun.has(rollout));
      const others = rest.length > 0 ? await scorer.score(rest, options) : [];
      let next = 0;
      return Promise.all(rollouts.map(async (rollout) => begun.get(rollout) ?? others[next++]!));
    },
  };
}
