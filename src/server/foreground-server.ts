import { execa } from "execa";
import { packagedFile } from "../config/packaged-file.js";
import { BadInputError, EnvironmentError } from "../errors.js";
import { servingAddress } from "./serving-address.js";

const STOP_GRACE_MS = 10_000;
const BAD_ARGUMENTS = 2;

/**
 * Runs a model server until the signal ends it; its log goes to standard error. It ends with this process however that
 * ends.
 * @param request.args of Python: the module and its arguments
 * @throws BadInputError or EnvironmentError if it ends by itself, after it has said why on standard error
 */
export async function runForegroundServer(request: {
  readonly python: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onServing: (address: string) => void;
}): Promise<void> {
  const { python, args, environment, signal, onServing } = request;
  const child = execa(python, [...args, "--exit-with-parent"], {
    // Standard input is held open until we end; standard output is read line by line as it comes.
    ...({ stdin: "pipe", stdout: "pipe", stderr: "inherit", buffer: false, reject: false } as const),
    // Its own process group: Ctrl-C reaches it through us, once.
    ...{ detached: true, forceKillAfterDelay: STOP_GRACE_MS },
    ...{ extendEnv: false, env: environment },
  });
  signal.addEventListener("abort", () => void child.kill("SIGTERM"), { once: true });
  void servingAddress(child.stdout).then(onServing);

  const { exitCode: code, originalMessage } = await child;
  if (signal.aborted || code === 0) return;
  if (code === undefined)
    throw new EnvironmentError(
      `Cannot run ${python}: ${originalMessage}. Run ${packagedFile("scripts/setup")}, or set DRPO_PYTHON.`,
    );
  const message = `The model server ended with exit code ${code}; what it said is above.`;
  throw code === BAD_ARGUMENTS ? new BadInputError(message) : new EnvironmentError(message);
}
