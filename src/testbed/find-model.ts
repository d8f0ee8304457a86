import type { ModelRef } from "../proto-gen/drpo/v1/common.js";
import { invalid, notFound, refused } from "./service-error.js";
import { type TabularModel, versionOf } from "./tabular-model.js";
import type { RunState } from "./world.js";

/** The model that a reference names. @throws NOT_FOUND, or FAILED_PRECONDITION if it is at another version. */
export const findModel = (run: RunState, ref: ModelRef | undefined): TabularModel => {
  if (!ref?.model) throw invalid("a model must be named");
  const model = run.models.get(ref.model);
  if (model === undefined) throw notFound(`no model ${ref.model} in run ${run.runId}`);
  if (ref.version === undefined) return model;
  const { generation, optimizerStep, weightsHash } = versionOf(model);
  if (
    ref.version.generation !== generation ||
    ref.version.optimizerStep !== optimizerStep ||
    ref.version.weightsHash !== weightsHash
  ) {
    throw refused(
      `${ref.model} is at generation ${generation}, optimiser step ${optimizerStep}, not at the version expected`,
    );
  }
  return model;
};
