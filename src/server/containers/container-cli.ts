import { execa, type ExecaError } from "execa";
import { EnvironmentError } from "../../errors.js";
import type { ContainerTool } from "../detached/server-record.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** docker or podman, whose command lines agree in what is used here. */
export interface ContainerCli {
  readonly tool: ContainerTool;
  /** @returns what it printed on standard output, trimmed. @throws EnvironmentError if it failed, with its own words */
  ask(args: readonly string[], environment?: Environment): Promise<string>;
  /** The same with what it printed on standard error, as it came. */
  askAll(args: readonly string[]): Promise<string>;
  /** Both streams of a command, as they come, until it ends or the user has seen enough. */
  show(args: readonly string[], signal: AbortSignal): Promise<void>;
}

/** @param environment DOCKER_HOST, PATH and the like are read from it */
export const containerCli = (tool: ContainerTool, environment: Environment): ContainerCli => {
  const run = async (args: readonly string[], more: Environment = {}) => {
    const env = { ...environment, ...more };
    const result = await execa(tool, args, { stdin: "ignore", extendEnv: false, env, reject: false, all: true });
    if (result.failed) throw explain(tool, args, result as ExecaError);
    return result;
  };
  return {
    tool,
    ask: async (args, more) => (await run(args, more)).stdout.trim(),
    askAll: async (args) => (await run(args)).all.trim(),
    async show(args, signal) {
      const options = { stdin: "ignore", stdout: "inherit", stderr: "inherit", reject: false } as const;
      const result = await execa(tool, args, { ...options, extendEnv: false, env: environment, cancelSignal: signal });
      if (result.failed && !signal.aborted) throw explain(tool, args, result as ExecaError);
    },
  };
};

function explain(tool: ContainerTool, [command]: readonly string[], error: ExecaError): EnvironmentError {
  if (error.code === "ENOENT")
    return new EnvironmentError(`${tool} is not installed, or not on PATH: install it, or start without --container.`);
  const said = String(error.stderr ?? "").trim() || error.shortMessage;
  return new EnvironmentError(`${tool} ${command} failed: ${said}`);
}
