import type { SamplerOptions } from "../config/samplers.js";
import { findVllmPython } from "./find-vllm-python.js";
import { startLocalServer, type LocalServer } from "./local-server.js";

type LocalSamplerOptions = Extract<SamplerOptions, { kind: "local" }>;

export interface SamplerProcess {
  readonly options: LocalSamplerOptions;
  /** Of the torch engine, if the sampler names none. */
  readonly trainerPython?: string | undefined;
  readonly startTimeoutMs: number;
  /** Folder of the base. */
  readonly base: string;
  /** The trainer's checkpoint root, or its host:port, ... */
  readonly weightsFrom: string;
  /** ... with the authority to trust (PEM) and the token that it wants. */
  readonly weightsTlsCa?: string | undefined;
  readonly trainerToken?: string | undefined;
  /** Its own; below it is what it keeps. */
  readonly folder: string;
  readonly logFile: string;
  readonly signal?: AbortSignal | undefined;
}

/** Starts a process that samples what a trainer publishes. @throws as startLocalServer */
export const startSampler = ({ options, ...request }: SamplerProcess): Promise<LocalServer> => {
  const { threads, device, dtype } = options;
  const isVllm = options.engine === "vllm";
  const { trainerToken, startTimeoutMs, folder, logFile, signal } = request;
  return startLocalServer({
    options: {
      ...{ port: 0, threads, device, dtype, startTimeoutMs },
      python: isVllm ? findVllmPython(options.python) : (options.python ?? request.trainerPython),
    },
    ...{ checkpointRoot: `${folder}/checkpoints`, stageRoot: `${folder}/stages`, logFile, signal },
    serverArguments: samplerArguments(options, request),
    environment: trainerToken === undefined ? {} : { DRPO_TRAINER_TOKEN: trainerToken },
  });
};

/** What makes a sampler of a server. */
export const samplerArguments = (
  { engine, engineOptions }: LocalSamplerOptions,
  { base, weightsFrom, weightsTlsCa }: Pick<SamplerProcess, "base" | "weightsFrom" | "weightsTlsCa">,
): readonly string[] => [
  `--weights-from=${weightsFrom}`,
  ...(weightsTlsCa === undefined ? [] : [`--weights-tls-ca=${weightsTlsCa}`]),
  ...(engine === "vllm"
    ? ["--engine=vllm", `--base=${base}`, `--engine-options=${JSON.stringify(engineOptions)}`]
    : [`--preload=${base}`]),
];
