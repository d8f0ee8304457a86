import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageConfig } from "./buildah.js";

export interface Container {
  /** Root file system, from the image's store; it stays as it is. */
  readonly root: string;
  readonly config: ImageConfig;
  /** After the image's name, on an engine's command line; left out: the image's own. */
  readonly args?: readonly string[];
  /** Instead of the image's entry point. */
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly mounts?: readonly { readonly from: string; readonly to: string; readonly readOnly: boolean }[];
}

export interface RunningContainer {
  /** Resolves with the first match of what it says on standard output. @throws if it ends without */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }>;
  /** A signal to its process 1, as an engine's `stop` sends it. */
  signal(name: NodeJS.Signals): void;
  /** Ends it at once, if it still runs. */
  kill(): void;
}

/** Starts a container as run-in-root.sh does: read-only root, tmpfs, the image's user, no capabilities, the host's network. */
export function startContainer({
  root,
  config,
  args,
  entrypoint,
  environment,
  mounts = [],
}: Container): RunningContainer {
  const [user = "", group = ""] = config.User.split(":");
  const volumes = mounts.flatMap(({ from, to, readOnly }) => ["--mount", `${from}:${to}:${readOnly ? "ro" : "rw"}`]);
  const command = [...(entrypoint ?? config.Entrypoint), ...(args ?? (entrypoint ? [] : (config.Cmd ?? [])))];
  const imageEnvironment = Object.fromEntries(
    config.Env.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const script = join(import.meta.dirname, "run-in-root.sh");
  const child = spawn(
    "unshare",
    [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--",
      script,
      root,
      user,
      group,
      config.WorkingDir,
      ...volumes,
      "--",
      ...command,
    ],
    { env: { ...imageEnvironment, ...environment }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const said = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
      for (const listener of listeners) listener();
    });
  const ended = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, ...said }));
  });
  const processOne = () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim());
  return {
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said.stdout);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(({ stderr }) => reject(new Error(`it ended without saying ${String(pattern)}: ${stderr}`)));
      }),
    signal: (name) => void process.kill(processOne(), name),
    kill: () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(processOne(), "SIGKILL");
    },
  };
}
