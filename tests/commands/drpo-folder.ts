import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runDrpo, startDrpo, type DrpoOptions, type Outcome, type StartedDrpo } from "./run-drpo.js";

/** A folder that `drpo` works in, with a cache that all runs in it share. */
export interface DrpoFolder {
  /** Runs it to its end. */
  drpo(args: readonly string[], options?: DrpoOptions): Promise<Outcome>;
  start(args: readonly string[], options?: DrpoOptions): StartedDrpo;
  /** Ends what was started, and removes the folder. */
  remove(): Promise<void>;
}

export function drpoFolder(path: string): DrpoFolder {
  const here = (options: DrpoOptions = {}): DrpoOptions => ({
    ...{ cwd: path, ...options },
    environment: { DRPO_CACHE_DIR: join(path, "cache"), ...options.environment },
  });
  const children: StartedDrpo[] = [];
  return {
    drpo: (args, options) => runDrpo(args, here(options)),
    start(args, options) {
      const child = startDrpo(args, here(options));
      children.push(child);
      return child;
    },
    async remove() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map(({ ended }) => ended));
      await rm(path, { recursive: true, force: true });
    },
  };
}
