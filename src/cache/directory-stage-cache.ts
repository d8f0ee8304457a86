import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { waitForLock, type LockHolder } from "../durable-files/process-lock.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { CorruptStateError } from "../errors.js";
import type { StageCache } from "../ports/stage-cache.js";

const entrySchema = z.object({ stage: z.string(), key: z.string(), storedAt: z.string(), output: z.unknown() });

/**
 * A stage cache in a folder: stages/STAGE-KEY.json, an entry each, and a lock for each entry that is held while it is
 * looked up or computed. The lock of a process that has ended is free at once.
 * @param options.onWait called when another process is computing the same entry
 * @throws CorruptStateError (from getOrCompute) if an entry is damaged; InterruptedError when aborted while waiting
 */
export function directoryStageCache(options: {
  /** Absolute; made if it is not there. */
  readonly directory: string;
  readonly onWait?: (stage: string, holder: LockHolder) => void;
  readonly now?: () => Date;
}): StageCache {
  const stages = join(options.directory, "stages");
  const now = options.now ?? (() => new Date());
  const getOrCompute: StageCache["getOrCompute"] = async ({ stage, key, stillThere, compute, signal }) => {
    const path = join(stages, `${stage}-${key}.json`);
    const lock = await waitForLock(join(stages, ".locks", `${stage}-${key}`), {
      signal,
      onWait: (holder) => options.onWait?.(stage, holder),
    });
    try {
      // What is stored under a key was made by `compute` of that key, so it is what the caller takes it for.
      const stored = (await readEntry(path)) as { readonly output: Awaited<ReturnType<typeof compute>> } | null;
      if (stored && (await stillThere(stored.output))) return { output: stored.output, reused: true };
      const output = await compute();
      const entry = { stage, key, storedAt: now().toISOString(), output };
      await writeFileAtomically(path, `${JSON.stringify(entry, null, 2)}\n`);
      return { output, reused: false };
    } finally {
      await lock.release();
    }
  };
  return { getOrCompute };
}

/**
 * Where the cache is unless the user says otherwise.
 * @returns $DRPO_CACHE_DIR, else drpo in $XDG_CACHE_HOME, else ~/.cache/drpo
 */
export function defaultCacheDirectory(environment: Readonly<Record<string, string | undefined>>, home: string): string {
  const { DRPO_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = environment;
  if (own) return own;
  return join(xdg || join(home, ".cache"), "drpo");
}

async function readEntry(path: string): Promise<{ readonly output: unknown } | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return null;
    throw fileError(error, `reading ${path}`);
  }
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch (error) {
    throw new CorruptStateError(`The cache entry ${path} is damaged: delete the file, and the stage will run again.`, {
      cause: error,
    });
  }
}
