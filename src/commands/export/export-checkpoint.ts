import { cp } from "node:fs/promises";
import { join } from "node:path";
import { serverSchema } from "../../config/server.js";
import { fileError } from "../../durable-files/file-error.js";
import { BadInputError } from "../../errors.js";
import type { ClosableProgress } from "../../loggers/closable-progress.js";
import { probeModelServer } from "../../rpc/probe-model-server.js";
import { readRun } from "../../run/read-run.js";
import type { CommandContext } from "../command-context.js";
import { downloadWithProgress } from "./download-with-progress.js";

/**
 * Copies a run's last checkpoint to a folder of this machine, from the run directory or from the remote server that has
 * it. The run is only read, and may be under way.
 */
export async function exportCheckpoint(
  context: CommandContext,
  request: {
    /** Absolute. */
    readonly directory: string;
    /** Absolute; not there, or empty. */
    readonly to: string;
    readonly progress: ClosableProgress;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { directory, to, progress, signal } = request;
  const { record, lastCommit } = await readRun(directory);
  if (lastCommit === null)
    throw new BadInputError(`The run in ${directory} has no checkpoint yet: nothing is committed.`);
  const { uri } = lastCommit.checkpoint;
  // Its other files need not be there.
  const server = serverSchema.parse(record.recipe["server"]);
  if (server.kind === "local") {
    await copyFolder(join(directory, uri), to);
    return;
  }
  const token = context.environment["DRPO_SERVER_TOKEN"];
  const probe = await probeModelServer({ ...server, token, signal });
  try {
    await downloadWithProgress(probe.files, { uri, to }, { progress, signal });
  } finally {
    probe.close();
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, { recursive: true });
  } catch (error) {
    throw fileError(error, `copying ${from} to ${to}`);
  }
}
