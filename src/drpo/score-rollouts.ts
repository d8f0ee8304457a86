import type { ModelHandle, ScoreScale } from "../domain/model.js";
import { responseTokens, type Rollout, type ScoredRollout } from "../domain/rollout.js";
import type { CallOptions } from "../ports/call-options.js";
import type { RewardModel } from "../ports/reward-model.js";
import type { RewardTemplate } from "./reward-template.js";

/** r(x, y) of whole responses: the prefix that was reset to and what the policy wrote. */
export interface Scorer {
  score(rollouts: readonly Rollout[], options?: CallOptions): Promise<readonly ScoredRollout[]>;
}

/**
 * The reward model's score, in units of the SFT policy's samples.
 * @param missingEosScore replaces the score of a response that the policy did not end; null: keeps it
 */
export function rewardModelScorer({
  rewardModel,
  model,
  template,
  scale,
  missingEosScore,
}: {
  readonly rewardModel: RewardModel;
  readonly model: ModelHandle;
  readonly template: RewardTemplate;
  readonly scale: ScoreScale;
  readonly missingEosScore: number | null;
}): Scorer {
  return {
    async score(rollouts, options) {
      const rows = rollouts.map((rollout) => template(rollout.reset.prompt, responseTokens(rollout)));
      const raw = await rewardModel.score(model, rows, options);
      return rollouts.map((rollout, i) => {
        const score = (raw[i]! - scale.mean) / scale.standardDeviation;
        const missing = missingEosScore !== null && rollout.finishReason !== "stop";
        return { ...rollout, score: missing ? missingEosScore : score };
      });
    },
  };
}
