import type { RewardModel } from "../ports/reward-model.js";
import { RewardModelServiceDefinition as service } from "../proto-gen/drpo/v1/reward_model_service.js";
import type { Caller } from "./caller.js";
import { checkLength } from "./check-length.js";
import { describeMethod } from "./method.js";
import { toModelRef } from "./wire-model.js";

const scoreRollouts = describeMethod(service, service.methods.scoreRollouts);

/** The RewardModel port over RewardModelService. @param runId the run that owns the reward model. */
export const createRewardModel = (caller: Caller, runId: string): RewardModel => ({
  async score(model, rows, options) {
    const { scores } = await caller.result(
      scoreRollouts,
      {
        runId,
        model: toModelRef(model),
        rows: { tokenIds: rows.flat(), rowLengths: rows.map((row) => row.length), spanStarts: [], spanLengths: [] },
      },
      options,
    );
    return checkLength(scores, rows.length, "scores", scoreRollouts.rpc);
  },
});
