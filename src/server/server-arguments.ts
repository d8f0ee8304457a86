import type { ServerOptions } from "../config/server.js";

export type LocalServerOptions = Extract<ServerOptions, { kind: "local" }>;

/** The command line of `python -m drpo_server`, which ends with the process that holds its standard input. */
export const serverArguments = (
  options: Pick<LocalServerOptions, "port" | "threads" | "device" | "dtype" | "tokenBudget">,
  roots: { readonly checkpointRoot: string; readonly stageRoot: string },
): string[] => [
  "-m",
  "drpo_server",
  "--host=127.0.0.1",
  `--port=${options.port}`,
  `--checkpoint-root=${roots.checkpointRoot}`,
  `--stage-root=${roots.stageRoot}`,
  `--device=${options.device}`,
  `--dtype=${options.dtype}`,
  `--token-budget=${options.tokenBudget}`,
  ...(options.threads > 0 ? [`--threads=${options.threads}`] : []),
  "--exit-with-parent",
];
