import { delimiter, join } from "node:path";
import { findPython } from "./find-python.js";
import { findVllmPython } from "./find-vllm-python.js";
import { PACKAGE_ROOT } from "./package-root.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** How Python is told to run the server, in one process or in several that torchrun starts on this machine. */
export const moduleArguments = (processes: number): readonly string[] => [
  ...(processes > 1 ? ["-m", "torch.distributed.run", "--standalone", `--nproc-per-node=${processes}`] : []),
  ...["-m", "drpo_server"],
];

/**
 * Interpreter and environment of a server of this machine.
 * @throws EnvironmentError if the interpreter is not there
 */
export const serverCommand = (
  { engine, python }: { readonly engine: "torch" | "vllm"; readonly python?: string | undefined },
  environment: Environment,
): { readonly python: string; readonly environment: Environment } => {
  const PYTHONPATH = [join(PACKAGE_ROOT, "server-images"), environment["PYTHONPATH"]].filter(Boolean).join(delimiter);
  return {
    python: engine === "vllm" ? findVllmPython(python, environment) : findPython(python, environment),
    environment: { ...environment, PYTHONPATH, PYTHONUNBUFFERED: "1" },
  };
};
