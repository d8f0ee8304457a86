import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { BadInputError, EnvironmentError } from "../errors.js";
import { findPython } from "./find-python.js";
import { PACKAGE_ROOT } from "./package-root.js";
import { servingAddress } from "./serving-address.js";
import { stopProcess } from "./stop-process.js";

const STOP_GRACE_MS = 10_000;
const BAD_ARGUMENTS = 2;

/**
 * Runs a model server until the signal ends it; its log goes to standard error. It ends with this process however that
 * ends.
 * @param request.serverArguments those of `python -m drpo_server`
 * @throws BadInputError or EnvironmentError if it ends by itself, after it has said why on standard error
 */
export async function runForegroundServer(request: {
  readonly python?: string | undefined;
  readonly serverArguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onServing: (address: string) => void;
}): Promise<void> {
  const { environment, signal, onServing } = request;
  const python = findPython(request.python, environment);
  const pythonPath = [join(PACKAGE_ROOT, "server-images"), environment["PYTHONPATH"]].filter(Boolean).join(delimiter);
  const child = spawn(python, ["-m", "drpo_server", ...request.serverArguments, "--exit-with-parent"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Its own process group: Ctrl-C reaches it through us, once.
    detached: true,
    env: { ...environment, PYTHONPATH: pythonPath, PYTHONUNBUFFERED: "1" },
  });
  // Held open until we end; writing to a server that is gone is no error of its own.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<{ readonly code: number | null; readonly error?: Error }>((resolve) => {
    child.once("exit", (code) => resolve({ code }));
    child.once("error", (error) => resolve({ code: null, error }));
  });
  signal.addEventListener("abort", () => void stopProcess(child, ended, STOP_GRACE_MS), { once: true });
  void servingAddress(child.stdout).then(onServing);

  const { code, error } = await ended;
  if (signal.aborted || code === 0) return;
  if (error)
    throw new EnvironmentError(`Cannot run ${python}: ${error.message}. Run ./scripts/setup, or set DRPO_PYTHON.`);
  const message = `The model server ended with exit code ${code}; what it said is above.`;
  throw code === BAD_ARGUMENTS ? new BadInputError(message) : new EnvironmentError(message);
}
