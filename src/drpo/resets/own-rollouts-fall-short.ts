import type { ResetPoint } from "../../domain/rollout.js";
import type { TokenIds } from "../../domain/token-ids.js";
import { mean } from "../../math/statistics.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { Sampler, SamplingParams } from "../../ports/sampler.js";
import { collectRollouts } from "../collect-rollouts.js";
import type { Scorer } from "../score-rollouts.js";
import type { DrawContext } from "./reset-source.js";

/** Says for which rows a reset is wanted. */
export type ResetCondition = (
  rows: readonly { readonly row: number; readonly prompt: TokenIds }[],
  context: DrawContext,
  options?: CallOptions,
) => Promise<readonly boolean[]>;

/**
 * BREAD (Zhang et al. 2025, arXiv 2506.17211): a prefix only for prompts on which the policy's own rollouts fail. It writes
 * some from the prompt under noise of their own, and resets where their mean score is below the threshold.
 */
export const ownRolloutsFallShort =
  ({
    sampler,
    scorer,
    params,
    budget,
    rollouts,
    scoreBelow,
    seed,
  }: {
    readonly sampler: Sampler;
    readonly scorer: Scorer;
    readonly params: SamplingParams;
    readonly budget: number;
    readonly rollouts: number;
    readonly scoreBelow: number;
    readonly seed: number;
  }): ResetCondition =>
  async (rows, { iteration, models }, options) => {
    const starts = rows.map(({ row, prompt }): ResetPoint => ({
      ...{ row, prompt, prefix: [], sourceId: null, maxNewTokens: budget },
    }));
    const noise = { seed, purpose: "reset-condition", iteration } as const;
    const written = await collectRollouts(
      sampler,
      starts,
      { policy: models.policy, params, noise, continuations: rollouts },
      options,
    );
    const scored = await scorer.score(written, options);
    return rows.map((_, i) => {
      const own = scored.slice(i * rollouts, (i + 1) * rollouts);
      return mean(own.map(({ score }) => score)) < scoreBelow;
    });
  };
