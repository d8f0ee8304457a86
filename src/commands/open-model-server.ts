import { join, resolve } from "node:path";
import { defaultCacheDirectory } from "../cache/directory-stage-cache.js";
import type { ServerOptions } from "../config/server.js";
import { refuseUnwritable, type WantedFolder } from "../durable-files/writable-folder.js";
import type { Progress } from "../ports/progress.js";
import { connectModelServer, type ModelServerConnection } from "../rpc/connect-model-server.js";
import { type LocalServer, startLocalServer } from "../server/local-server.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { CommandContext } from "./command-context.js";
import { homeFolder } from "./home-folder.js";
import { startSamplers } from "./open-samplers.js";

export interface OpenModelServer extends Pick<ModelServerConnection, "server" | "info"> {
  /** Who samples, if the trainer does not. */
  readonly samplers: readonly ServerInfo[];
  /** Ends the connection, and the servers that were started for it. */
  readonly stop: () => Promise<void>;
}

/** Where stage outputs are kept: what is computed once is shared by runs. */
export const cacheDirectory = ({ environment }: Pick<CommandContext, "environment">): string =>
  resolve(defaultCacheDirectory(environment, homeFolder(environment, ["DRPO_CACHE_DIR", "XDG_CACHE_HOME"])));

/** The same, to be checked before anything is computed that goes there. */
export const cacheFolder = (context: Pick<CommandContext, "environment">): WantedFolder => ({
  path: cacheDirectory(context),
  what: "the cache",
  remedy: "set DRPO_CACHE_DIR to another folder",
  isArgument: false,
});

/** Before something is computed that is written into a run that is there. @throws as refuseUnwritable */
export const refuseUnwritableRun = (context: Pick<CommandContext, "environment">, path: string): Promise<void> =>
  refuseUnwritable([
    cacheFolder(context),
    { path, what: "the run", remedy: "copy the run to a folder that can be written", isArgument: true },
  ]);

export interface ModelServerRequest {
  readonly options: ServerOptions;
  readonly base: string;
  readonly runId: string;
  /** Absolute; where a local server keeps the run's checkpoints, ... */
  readonly checkpointRoot: string;
  /** ... and where its log is appended to. */
  readonly logFile: string;
  /** Absolute; of local samplers. Left out: the trainer samples, whatever the recipe says. */
  readonly samplersFolder?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onSplit?: (tokenBudget: number) => void;
}

/**
 * Starts the local server that a recipe asks for, or connects to the remote one that it names, and acquires the run; with
 * samplers beside it, if the recipe has any.
 * @throws EnvironmentError and BadInputError as startLocalServer and connectModelServer do
 */
export async function openModelServer(context: CommandContext, request: ModelServerRequest): Promise<OpenModelServer> {
  const { samplersFolder } = request;
  if (samplersFolder === undefined || request.options.samplers.length === 0) return openTrainer(context, request);
  const samplers = await startSamplers({ ...request, samplersFolder, environment: context.environment });
  const ends: (() => Promise<void>)[] = [() => samplers.stop()];
  const stop = async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  try {
    const trainer = await openTrainer(context, request);
    ends.unshift(() => trainer.stop());
    const pool = await samplers.join(trainer);
    // What stays published of a trainer that is gone is removed by the next session.
    ends.push(() => pool.close().catch(() => undefined));
    return { ...trainer, server: { ...trainer.server, sampler: pool }, samplers: pool.infos, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openTrainer(context: CommandContext, request: ModelServerRequest): Promise<OpenModelServer> {
  const { options, base, runId, checkpointRoot, logFile, progress, signal, onSplit } = request;
  const connect = (address: string, token: string | undefined, tlsCa?: string) =>
    connectModelServer({
      ...{ address, token, tlsCa, runId, base, signal, onSplit, silenceTimeoutMs: options.silenceTimeoutMs },
    });

  if (options.kind === "remote") {
    const connection = await connect(options.address, context.environment["DRPO_SERVER_TOKEN"], options.tlsCa);
    progress.note(`model server: ${options.address}, ${describe(connection)}`);
    return { ...connection, samplers: [], stop: async () => connection.close() };
  }

  const local = await startLocalServer({
    options,
    checkpointRoot,
    stageRoot: join(cacheDirectory(context), "stages"),
    logFile,
    signal,
  });
  const connection = await connectOrStop(local, () => connect(local.address, local.token));
  progress.note(`model server: ${describe(connection)}`);
  const stop = async () => {
    connection.close();
    await local.stop();
  };
  return { ...connection, samplers: [], stop };
}

async function connectOrStop<T>(local: LocalServer, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (error) {
    await local.stop();
    throw error;
  }
}

const describe = ({ info }: ModelServerConnection): string =>
  `${info.engine} on ${info.device}${info.device === "cpu" ? ` (${info.computeThreads} threads)` : ""}` +
  (info.processes > 1 ? `, ${info.processes} processes` : "");
