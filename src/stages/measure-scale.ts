import type { ModelHandle, ScoreScale } from "../domain/model.js";
import type { RewardTemplate } from "../drpo/reward-template.js";
import { rewardModelScorer } from "../drpo/score-rollouts.js";
import { writeFromPrompts } from "../drpo/write-from-prompts.js";
import { DivergedError } from "../errors.js";
import { mean, standardDeviation } from "../math/statistics.js";
import type { OpenRun } from "./run-context.js";

/** Mean and standard deviation of raw scores over samples of pi_SFT: the units of all scores of the run. */
export async function measureScale(
  run: OpenRun,
  {
    reference,
    model,
    template,
    seed,
  }: {
    readonly reference: ModelHandle;
    readonly model: ModelHandle;
    readonly template: RewardTemplate;
    readonly seed: number;
  },
): Promise<ScoreScale> {
  const { recipe, server, tokenizerInfo, data, call, progress } = run;
  const task = progress.start("score scale", recipe.reward.scaleRollouts, "responses");
  const raw = { mean: 0, standardDeviation: 1 };
  const scorer = rewardModelScorer({
    rewardModel: server.rewardModel,
    model,
    template,
    scale: raw,
    missingEosScore: null,
  });
  const written = await writeFromPrompts(
    { ...server, scorer },
    {
      policy: reference,
      reference,
      prompts: data.train,
      responses: recipe.reward.scaleRollouts,
      budget: recipe.response.maxTokens,
      params: { ...recipe.policy.sampling, stopTokenIds: [tokenizerInfo.eosTokenId] },
      noise: { seed, purpose: "score-scale", iteration: 0 },
    },
    { ...call, onProgress: (done) => task.update(done) },
  );
  const scores = written.map(({ rollout }) => rollout.score);
  const scale = { mean: mean(scores), standardDeviation: standardDeviation(scores) };
  task.end(`SFT samples score ${scale.mean.toFixed(2)} ± ${scale.standardDeviation.toFixed(2)}`);
  if (!(scale.standardDeviation > 0)) {
    throw new DivergedError(
      "The reward model gives every sample of the SFT policy the same score: it has learnt nothing.",
    );
  }
  return scale;
}
