import { tokensUntilEnd } from "../../domain/rollout.js";
import type { TokenizedGroup } from "../../domain/tokenized-dataset.js";
import type { RunDirectory } from "../../ports/run-directory.js";
import type { ResetCandidate, ResetSource } from "./reset-source.js";

/**
 * What the policy wrote in earlier iterations, as the run keeps it: resets into own rollouts, whose prefixes hang below
 * them like branches of a tree (RRPO, TreePO). Before there are any, rollouts start at the prompts of the data.
 */
export function ownRolloutsSource({
  run,
  prompts,
  iterations,
  minScore = -Infinity,
  endTokenIds,
}: {
  readonly run: Pick<RunDirectory, "readRollouts">;
  readonly prompts: readonly TokenizedGroup[];
  /** Rollouts of the last so many. */
  readonly iterations: number;
  /** Only rollouts with a score above this. */
  readonly minScore?: number | undefined;
  /** What follows the first one, in rollouts of a fixed length, is no part of the response. */
  readonly endTokenIds: readonly number[];
}): ResetSource {
  return {
    async open({ iteration }) {
      const last = Array.from({ length: Math.min(iterations, iteration) }, (_, back) => iteration - back);
      const candidates: ResetCandidate[] = [];
      for (const done of last.reverse()) {
        for (const { prompt, prefix, generated, score, row, continuation } of await run.readRollouts(done)) {
          if (score <= minScore) continue;
          const parent = { iteration: done, row, continuation };
          const written = generated.slice(0, tokensUntilEnd(generated, endTokenIds));
          candidates.push({
            ...{ prompt, response: [...prefix, ...written], parent },
            id: `rollout-${done}-${row}-${continuation}`,
          });
        }
      }
      return (random) => {
        if (candidates.length > 0) return candidates[random.integer(0, candidates.length - 1)]!;
        const { prompt, id } = prompts[random.integer(0, prompts.length - 1)]!;
        return { prompt, id, response: null };
      };
    },
  };
}
