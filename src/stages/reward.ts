import { isRewardModel } from "../config/reward.js";
import { type RewardTerm, rewardTerms } from "../config/reward-terms.js";
import type { ModelHandle, ScoreScale } from "../domain/model.js";
import { rewardFunctionScores, rewardModelScores } from "../drpo/raw-scores.js";
import { responseTexts } from "../drpo/response-texts.js";
import { scoreAhead } from "../drpo/score-ahead.js";
import {
  type Scorer,
  type ScorerOptions,
  type ScoreTerm,
  sumOfTerms,
  sumScorer,
  UNSCALED,
} from "../drpo/score-rollouts.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ResponseInTokens } from "../ports/reward-function.js";
import { measureScale, type ScaleRequest } from "./measure-scale.js";
import { rewardModelStage, type RewardModelOutput } from "./reward-model.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** Where scores r(x, y) come from. */
export interface RewardOutput {
  /** What a score is the sum of. */
  readonly terms: readonly ScoreTerm[];
  /** The reward model, frozen; null if no term is one. */
  readonly model: ModelHandle | null;
  /** Units of the score: mean 0 and deviation 1 where it is left as it is. */
  readonly scale: ScoreScale;
}

/** The reward model, trained or loaded, if scores need one; the functions that give others; and the units of each. */
export async function rewardStage(run: OpenRun, sft: SftOutput): Promise<RewardOutput> {
  const rewardModel = await rewardModelStage(run, sft);
  const terms: ScoreTerm[] = [];
  for (const term of rewardTerms(run.recipe.reward)) {
    const source = isRewardModel(term.reward)
      ? modelSource(run, rewardModel!, term.reward.template)
      : functionSource(run, term.key);
    const scale = term.reward.normalise
      ? await measureScale(run, sft, { ...source, ...scaleSamples(run, term) })
      : UNSCALED;
    terms.push({ weight: term.weight, scale, rawScores: source.rawScores });
  }
  const isSum = run.recipe.reward.kind === "sum";
  return { terms, model: rewardModel?.model ?? null, scale: isSum ? UNSCALED : terms[0]!.scale };
}

/** The scorer of rollouts by this reward. */
export const scorerOf = (run: OpenRun, { terms }: RewardOutput, options: ScorerOptions = {}): Scorer => {
  const scorer = sumScorer(terms, { ...options, endTokenIds: run.tokenizerInfo.endTokenIds });
  return run.recipe.server.overlap ? scoreAhead(scorer) : scorer;
};

/** Scores of responses that are no rollouts, such as those of the data; [responses]. */
export const scoreResponses = (
  { terms }: RewardOutput,
  responses: readonly ResponseInTokens[],
  options?: CallOptions,
): Promise<readonly number[]> => sumOfTerms(terms, responses, options);

type ScoreSource = Pick<ScaleRequest, "rawScores" | "dependsOn">;

const modelSource = (
  { server }: OpenRun,
  { model, template, identity }: RewardModelOutput,
  templateText: string,
): ScoreSource => ({
  rawScores: rewardModelScores({ rewardModel: server.rewardModel, model, template }),
  dependsOn: { weightsHash: identity, template: templateText },
});

function functionSource(
  { server, tokenizerInfo, data, evaluationGroups, rewardFunctions }: OpenRun,
  key: string,
): ScoreSource {
  const rewardFunction = rewardFunctions.get(key);
  if (!rewardFunction) throw new Error(`RunContext.rewardFunctions has nothing for ${key}: give it one.`);
  const groups = [...data.train, ...data.heldOut, ...evaluationGroups];
  const texts = responseTexts(server.tokenizer, groups, tokenizerInfo.endTokenIds);
  return { rawScores: rewardFunctionScores(rewardFunction, texts), dependsOn: rewardFunction.dependsOn };
}

const scaleSamples = ({ recipe }: OpenRun, { key, reward }: RewardTerm) => ({
  where: key,
  rollouts: reward.scaleRollouts,
  seed: (isRewardModel(reward) && reward.kind === "train" ? reward.seed : undefined) ?? recipe.seed,
});
