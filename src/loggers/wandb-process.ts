import { delimiter } from "node:path";
import { execa } from "execa";
import { EnvironmentError } from "../errors.js";

const MODULE = "drpo_loggers.to_wandb";

/** How to run the Python side. */
export interface WandbPython {
  /** Interpreter that has the package wandb. */
  readonly python: string;
  /** Folder of the Python package drpo_loggers. */
  readonly packages: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What the child process says: a JSON line each. */
export interface WandbMessage {
  /** The run's address; offline, how to send it. */
  readonly ready?: string;
  readonly problem?: string;
}

/**
 * @throws EnvironmentError if the SDK is not installed or too old, or is to be online and has no API key; no server is
 * asked
 */
export async function checkWandb(wandb: WandbPython, mode: "online" | "offline"): Promise<void> {
  const { stdout, failed, originalMessage } = await execa(wandb.python, ["-m", MODULE, "--check", mode], {
    ...optionsOf(wandb),
    stdin: "ignore",
  });
  if (!failed) return;
  const problem = stdout ? (JSON.parse(stdout) as WandbMessage).problem : `${wandb.python}: ${originalMessage}`;
  throw new EnvironmentError(`W&B: ${problem}.`);
}

const optionsOf = ({ packages, environment }: WandbPython) =>
  ({
    env: { ...environment, PYTHONPATH: [packages, environment["PYTHONPATH"]].filter(Boolean).join(delimiter) },
    extendEnv: false,
    reject: false,
  }) as const;

/** The child process of one run: takes JSON lines, and finishes the W&B run when its input ends, however that ends. */
export interface WandbProcess {
  /** @throws EnvironmentError if it has ended: why, and what it said last */
  send(line: unknown): void;
  /** Ends its input and waits for it. @throws EnvironmentError if it fails, or takes longer than `timeoutMs` */
  finish(timeoutMs: number): Promise<void>;
}

/** @param logFile what the SDK prints goes there */
export function startWandb(
  wandb: WandbPython,
  { logFile, onReady }: { readonly logFile: string; readonly onReady: (where: string) => void },
): WandbProcess {
  const child = spawnWandb(wandb, logFile);
  // Writing to a process that is gone is no error of its own: `send` says why it is gone.
  child.stdin.on("error", () => undefined);
  let problem: string | null = null;
  const ended = followMessages(child, onReady).then((found) => {
    problem = found;
  });
  const refuseProblem = () => {
    if (problem !== null) throw new EnvironmentError(`W&B: ${problem} (${logFile} has what it said).`);
  };
  return {
    send(line) {
      refuseProblem();
      child.stdin.write(`${JSON.stringify(line)}\n`);
    },
    async finish(timeoutMs) {
      child.stdin.end();
      if (!(await isKeptWithin(ended, timeoutMs))) {
        problem = `it was still sending after ${timeoutMs / 1000} s, and was ended`;
        killGroup(child.pid);
        await ended;
      }
      refuseProblem();
    },
  };
}

const spawnWandb = (wandb: WandbPython, logFile: string) =>
  execa(wandb.python, ["-m", MODULE], {
    ...optionsOf(wandb),
    // Ctrl-C is for the orchestrator; and what was logged is still sent if that is killed.
    ...{ detached: true, cleanup: false },
    ...{ stdin: "pipe", stdout: "pipe", stderr: { file: logFile }, buffer: false },
  });

/** @returns why the process failed; null if it did not */
async function followMessages(
  child: ReturnType<typeof spawnWandb>,
  onReady: (where: string) => void,
): Promise<string | null> {
  let problem: string | null = null;
  for await (const line of child.iterable()) {
    const message = JSON.parse(line) as WandbMessage;
    if (message.ready !== undefined) onReady(message.ready);
    problem = message.problem ?? problem;
  }
  const { failed, shortMessage } = await child;
  return problem ?? (failed ? (shortMessage ?? "it failed") : null);
}

async function isKeptWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The SDK has a process of its own beside Python's. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended just now.
  }
}
