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

/** Several processes of one machine talk to each other over its loopback only, unless told otherwise. */
export const processesEnvironment = (processes: number, environment: Environment): Environment =>
  processes > 1 && process.platform === "linux" ? { GLOO_SOCKET_IFNAME: "lo", ...environment } : environment;

/**
 * Interpreter and environment of a server of this machine.
 * @throws EnvironmentError if the interpreter is not there
 */
export const serverCommand = (
  {
    engine,
    python,
    processes,
  }: { readonly engine: "torch" | "vllm"; readonly python?: string | undefined; readonly processes: number },
  environment: Environment,
): { readonly python: string; readonly environment: Environment } => {
  const PYTHONPATH = [join(PACKAGE_ROOT, "server-images"), environment["PYTHONPATH"]].filter(Boolean).join(delimiter);
  return {
    python: engine === "vllm" ? findVllmPython(python, environment) : findPython(python, environment),
    environment: { ...processesEnvironment(processes, environment), PYTHONPATH, PYTHONUNBUFFERED: "1" },
  };
};
