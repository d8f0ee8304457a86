import { NotOnServerError } from "../errors.js";
import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import type { OpenRun } from "./run-context.js";

/**
 * Loads a stage's model from its checkpoint, frozen. Stages always go on from what is on disk, so that a fresh output
 * and a cached one are the same weights. It is put on the base that the recipe names now.
 * @returns null if the server does not have the checkpoint
 */
export async function restoreFrozen(
  { server, recipe, call }: OpenRun,
  checkpoint: CheckpointRef,
  name: string,
): Promise<ModelHandle | null> {
  try {
    const [model] = await server.models.restoreCheckpoint(checkpoint, [{ savedName: name, name, trainable: false }], {
      ...call,
      base: recipe.model.base,
    });
    return model!;
  } catch (error) {
    if (error instanceof NotOnServerError) return null;
    throw error;
  }
}
