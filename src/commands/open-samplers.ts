import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ServerOptions } from "../config/server.js";
import { BadInputError } from "../errors.js";
import type { ModelServer } from "../ports/model-server.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { Progress } from "../ports/progress.js";
import type { SamplerEndpoint } from "../ports/sampler-endpoint.js";
import { systemClock } from "../rpc/clock.js";
import type { ModelServerConnection } from "../rpc/connect-model-server.js";
import { samplerEndpoint } from "../rpc/sampler-endpoint.js";
import { checkpointPublisher } from "../samplers/checkpoint-publisher.js";
import { createSamplerPool, type SamplerPool } from "../samplers/sampler-pool.js";
import { type RestartableServer, restartableServer } from "../server/restartable-server.js";
import { startSampler } from "../server/start-sampler.js";
import { readProbe } from "./read-probe.js";

export interface SamplersRequest {
  readonly options: ServerOptions;
  readonly base: string;
  readonly runId: string;
  /** Absolute; the local trainer's, ... */
  readonly checkpointRoot: string;
  /** ... and where each local sampler has a folder and a log. */
  readonly samplersFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Samplers that are starting, beside the trainer. */
export interface StartingSamplers {
  /** Connects them to the trainer, once that is there. */
  join(trainer: Pick<ModelServerConnection, "server" | "info">): Promise<SamplerPool>;
  /** Ends the processes. */
  stop(): Promise<void>;
}

/**
 * Starts the local samplers of a recipe and makes one sampler of all. What an earlier session published and did not
 * withdraw is removed.
 */
export async function startSamplers(request: SamplersRequest): Promise<StartingSamplers> {
  const { options, runId, progress, signal } = request;
  if (options.kind === "local") await rm(join(request.checkpointRoot, "sync"), { recursive: true, force: true });
  const processes = localSamplers(request);
  const seen = new Map<string, string>();
  let trainerId: string | undefined;

  const endpoint = (name: string, locate: Parameters<typeof samplerEndpoint>[0]["locate"]): SamplerEndpoint =>
    samplerEndpoint({
      ...{ name, locate, runId, silenceTimeoutMs: options.silenceTimeoutMs },
      accept: ({ instanceId }) => {
        const other = instanceId === trainerId ? "the trainer" : seen.get(instanceId);
        if (other !== undefined && other !== name)
          throw new BadInputError(`server.samplers: ${name} is the same server as ${other}. Leave one of them out.`);
        seen.set(instanceId, name);
      },
    });
  const endpoints = [
    ...processes.map((process, i) => endpoint(`sampler ${i + 1}`, () => process.running())),
    ...options.samplers.flatMap((sampler) => {
      if (sampler.kind === "local") return [];
      const { address, tlsCa } = sampler;
      const place = { address, tlsCa, token: request.environment["DRPO_SERVER_TOKEN"] };
      return [endpoint(address, () => Promise.resolve(place))];
    }),
  ];
  return {
    async join({ server, info }) {
      trainerId = info.instanceId;
      const pool = createSamplerPool({
        ...{ endpoints, progress, clock: systemClock },
        ...{ rows: options.samplerRows, probeTolerance: options.probeTolerance },
        publisher: await publisherOf(server, { options, runId, signal }),
      });
      try {
        await pool.open({ signal });
      } catch (error) {
        await pool.close();
        throw error;
      }
      progress.note(`samplers: ${describeSamplers(pool.infos)}`);
      return pool;
    },
    async stop() {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
}

/** "2 x torch 2.13.0 on cpu": equal ones are counted. */
export const describeSamplers = (infos: readonly ServerInfo[]): string => {
  const each = infos.map(({ engine, device }) => `${engine} on ${device}`);
  return [...new Set(each)].map((kind) => `${each.filter((one) => one === kind).length} x ${kind}`).join(", ");
};

const publisherOf = async (
  server: ModelServer,
  { options, runId, signal }: Pick<SamplersRequest, "options" | "runId" | "signal">,
) =>
  checkpointPublisher({
    ...{ models: server.models, trainer: server.trainer },
    folder: options.kind === "local" ? "checkpoints" : `checkpoints/${runId}`,
    probeRows: await readProbe(server.tokenizer, { signal }),
  });

/** The processes, started; whoever asks for one waits for it, and hears why it could not be started. */
const localSamplers = (request: SamplersRequest): readonly RestartableServer[] => {
  const { options, base, checkpointRoot, samplersFolder, environment, signal } = request;
  const source =
    options.kind === "local"
      ? { weightsFrom: checkpointRoot, trainerPython: options.python }
      : {
          weightsFrom: options.address,
          weightsTlsCa: options.tlsCa,
          trainerToken: environment["DRPO_SERVER_TOKEN"],
        };
  const startTimeoutMs = options.kind === "local" ? options.startTimeoutMs : START_TIMEOUT_MS;
  const each = options.samplers.flatMap((sampler) =>
    sampler.kind === "local" ? Array.from({ length: sampler.count }, () => sampler) : [],
  );
  return each.map((sampler, i) => {
    const process = restartableServer((stopped) =>
      startSampler({
        ...{ options: sampler, ...source, base, startTimeoutMs, signal: AbortSignal.any([signal, stopped]) },
        ...{ folder: join(samplersFolder, String(i + 1)), logFile: join(samplersFolder, `${i + 1}.log`) },
      }),
    );
    process.running().catch(() => undefined);
    return process;
  });
};

/** Beside a remote trainer: loading a large base may take minutes. */
const START_TIMEOUT_MS = 600_000;
