import { homedir } from "node:os";
import { join } from "node:path";
import { defaultCacheDirectory } from "../cache/directory-stage-cache.js";
import type { ServerOptions } from "../config/server.js";
import type { Progress } from "../ports/progress.js";
import { connectModelServer, type ModelServerConnection } from "../rpc/connect-model-server.js";
import { type LocalServer, startLocalServer } from "../server/local-server.js";
import type { CommandContext } from "./command-context.js";

export interface OpenModelServer extends Pick<ModelServerConnection, "server" | "info"> {
  /** Ends the connection, and the server if it was started for it. */
  readonly stop: () => Promise<void>;
}

/** Where stage outputs are kept: what is computed once is shared by runs. */
export const cacheDirectory = ({ environment }: Pick<CommandContext, "environment">): string =>
  defaultCacheDirectory(environment, homedir());

/**
 * Starts the local server that a recipe asks for, or connects to the remote one that it names, and acquires the run.
 * @throws EnvironmentError and BadInputError as startLocalServer and connectModelServer do
 */
export async function openModelServer(
  context: CommandContext,
  request: {
    readonly options: ServerOptions;
    readonly base: string;
    readonly runId: string;
    /** Absolute; where a local server keeps the run's checkpoints, ... */
    readonly checkpointRoot: string;
    /** ... and where its log is appended to. */
    readonly logFile: string;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<OpenModelServer> {
  const { options, base, runId, checkpointRoot, logFile, progress, signal } = request;
  const connect = (address: string, token: string | undefined, tlsCa?: string) =>
    connectModelServer({ address, token, tlsCa, runId, base, signal, silenceTimeoutMs: options.silenceTimeoutMs });

  if (options.kind === "remote") {
    const connection = await connect(options.address, context.environment["DRPO_SERVER_TOKEN"], options.tlsCa);
    progress.note(`model server: ${options.address}, ${describe(connection)}`);
    return { ...connection, stop: async () => connection.close() };
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
  return { ...connection, stop };
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
  `${info.engine} on ${info.device}${info.device === "cpu" ? ` (${info.computeThreads} threads)` : ""}`;
