import type { ServerOptions } from "../config/server.js";
import { moduleArguments } from "./server-command.js";

export type LocalServerOptions = Extract<ServerOptions, { kind: "local" }>;

/** What a process of the model server is started with, whatever it is for. */
export interface ServerProcessOptions extends Pick<LocalServerOptions, "port" | "threads" | "device" | "dtype"> {
  readonly python?: string | undefined;
  /** How many compute together; torchrun starts several. */
  readonly processes?: number | undefined;
  readonly activationCheckpointing?: boolean | undefined;
  /** Most tokens of one micro-batch; left out: the server's own default. */
  readonly tokenBudget?: number | undefined;
  readonly startTimeoutMs: number;
}

/**
 * The command line of `python -m drpo_server`, which ends with the process that holds its standard input.
 * @param more arguments of this server alone: what makes it a sampler, for example
 */
export const serverArguments = (
  options: Omit<ServerProcessOptions, "python" | "startTimeoutMs">,
  roots: { readonly checkpointRoot: string; readonly stageRoot: string },
  more: readonly string[] = [],
): string[] => [
  ...moduleArguments(options.processes ?? 1),
  "--host=127.0.0.1",
  `--port=${options.port}`,
  `--checkpoint-root=${roots.checkpointRoot}`,
  `--stage-root=${roots.stageRoot}`,
  `--device=${options.device}`,
  `--dtype=${options.dtype}`,
  ...(options.tokenBudget === undefined ? [] : [`--token-budget=${options.tokenBudget}`]),
  ...(options.threads > 0 ? [`--threads=${options.threads}`] : []),
  ...(options.activationCheckpointing === true ? ["--activation-checkpointing"] : []),
  ...more,
  "--exit-with-parent",
];
