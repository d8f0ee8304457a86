import type { ModelHandle } from "../domain/model.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ResponseInTokens, RewardFunction } from "../ports/reward-function.js";
import type { RewardModel } from "../ports/reward-model.js";
import type { ResponseTexts } from "./response-texts.js";
import type { RewardTemplate } from "./reward-template.js";

/** Scores of responses in the units of what gives them; [responses]. */
export type RawScores = (responses: readonly ResponseInTokens[], options?: CallOptions) => Promise<readonly number[]>;

/** Of a reward model, which reads a response in its template. */
export const rewardModelScores =
  ({
    rewardModel,
    model,
    template,
  }: {
    readonly rewardModel: RewardModel;
    readonly model: ModelHandle;
    readonly template: RewardTemplate;
  }): RawScores =>
  (responses, options) =>
    rewardModel.score(
      model,
      responses.map(({ prompt, response }) => template(prompt, response)),
      options,
    );

/** Of a function, which reads texts. */
export const rewardFunctionScores =
  (rewardFunction: RewardFunction, withTexts: ResponseTexts): RawScores =>
  async (responses, options) =>
    rewardFunction.score(await withTexts(responses, options), options);
