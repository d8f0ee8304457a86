import { randomUUID } from "node:crypto";
import { placeFolder } from "../../durable-files/place-folder.js";
import type { ClosableProgress } from "../../loggers/closable-progress.js";
import type { ModelServer } from "../../ports/model-server.js";
import type { CommandContext } from "../command-context.js";
import { openTrainedRun, type TrainedModel } from "../open-trained-run.js";
import { downloadWithProgress } from "./download-with-progress.js";

export type ModelFormat = "peft-adapter" | "merged";

/** Most time that a server gets to drop an export that nobody will ask for, ms. */
const REMOVAL_MS = 10_000;

/** Exports a model of a run to a folder of this machine, wherever its server is. */
export async function exportModel(
  context: CommandContext,
  request: {
    /** Absolute. */
    readonly directory: string;
    readonly model: TrainedModel;
    readonly format: ModelFormat;
    /** Absolute; not there, or empty. */
    readonly to: string;
    /** `path=value`: where files of the run are now. */
    readonly set: readonly string[];
    readonly progress: ClosableProgress;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { directory, format, to, set, progress, signal } = request;
  const run = await openTrainedRun(context, directory, { progress, signal, set, model: request.model });
  try {
    const { models, files } = run.server;
    const model = await run.load(request.model);
    const uri = `checkpoints/export-${randomUUID()}`;
    if (run.recipe.server.kind === "local") {
      // The server writes below its own root; the run directory and the target may be on different disks.
      await placeFolder(await models.exportModel({ model, format, uri }, { signal }), to);
      return;
    }
    try {
      await models.exportModel({ model, format, uri }, { signal });
      await downloadWithProgress(files, { uri, to }, { progress, signal });
    } finally {
      await removeExport(models, uri);
    }
  } finally {
    await run.stop();
  }
}

/** The files are here, or the same export can be made again: the server need not keep it. */
async function removeExport(models: ModelServer["models"], uri: string): Promise<void> {
  // What matters is how the export went; a server that is gone or busy says nothing about it.
  await models.deleteCheckpoint(uri, { signal: AbortSignal.timeout(REMOVAL_MS) }).catch(() => undefined);
}
