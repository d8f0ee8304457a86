import type { ScoreRolloutsRequest, RewardModelServiceServer } from "../proto-gen/drpo/v1/reward_model_service.js";
import { checkHead } from "./check-model.js";
import { decodeRows } from "./decode-batch.js";
import { findModel } from "./find-model.js";
import { forward } from "./forward.js";
import { type Gate, streaming } from "./handlers.js";
import { findRun, type World } from "./world.js";

/** RewardModelService on tables. */
export const rewardModelService = (world: World, gate: Gate): RewardModelServiceServer => ({
  scoreRollouts: streaming(gate, "ScoreRollouts", ({ runId, model: ref, rows }: ScoreRolloutsRequest) => {
    const batch = decodeRows(world, rows, { spans: false });
    const model = findModel(findRun(world, runId), ref);
    checkHead(model, "scores");
    return [{ $case: "result" as const, value: { scores: forward(model.table, batch, "scores") } }];
  }),
});
