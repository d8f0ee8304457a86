import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { InterruptedError } from "../errors.js";
import { fileError, fileErrorCode } from "./file-error.js";
import { ownIdentity, processState, type ProcessIdentity } from "./process-identity.js";
import { greatest } from "../math/extremes.js";

const POLL_MS = 200;

/** Held until released, or until the process ends in whatever way. */
export interface ProcessLock {
  release(): Promise<void>;
}

/** Who has the lock; `state` unknown: on another machine or in another container, perhaps gone. */
export interface LockHolder {
  readonly process: ProcessIdentity;
  readonly state: "alive" | "unknown";
}

/**
 * Takes a lock between processes, or says who has it. A lock whose process has ended, kill -9 included, is free at once.
 *
 * The folder holds numbered tickets, each the identity of a process; the highest is the holder, an emptied one is
 * released. Taking the lock is creating the next number, which the file system lets one process do. A process that was
 * asleep since it looked may create a number below the highest: it looks again after creating, and withdraws. The
 * highest ticket is never deleted, so numbers never come twice.
 * @param folder made for the lock, and nothing else
 */
export async function tryLock(
  folder: string,
): Promise<{ readonly lock: ProcessLock } | { readonly holder: LockHolder }> {
  try {
    await mkdir(folder, { recursive: true });
    const identity = JSON.stringify(await ownIdentity());
    for (;;) {
      const highest = Math.max(0, greatest(await tickets(folder)));
      const holder = highest > 0 ? await holderOf(join(folder, String(highest))) : null;
      if (holder) return { holder };

      const mine = highest + 1;
      const path = join(folder, String(mine));
      if (!(await createWhole(path, identity))) continue;
      const others = (await tickets(folder)).filter((ticket) => ticket !== mine);
      if (Math.max(0, greatest(others)) > mine) {
        await rm(path, { force: true });
        continue;
      }
      for (const other of others) await rm(join(folder, String(other)), { force: true });
      return { lock: { release: () => release(path) } };
    }
  } catch (error) {
    throw fileError(error, `locking ${folder}`);
  }
}

/**
 * Waits for the lock.
 * @param options.onWait called once if somebody has it
 * @throws InterruptedError when the signal is aborted
 */
export async function waitForLock(
  folder: string,
  options: { readonly signal?: AbortSignal | undefined; readonly onWait?: (holder: LockHolder) => void },
): Promise<ProcessLock> {
  const { signal } = options;
  let isWaiting = false;
  for (;;) {
    if (signal?.aborted) throw new InterruptedError("Stopped while waiting for another process.");
    const result = await tryLock(folder);
    if ("lock" in result) return result.lock;
    if (!isWaiting) options.onWait?.(result.holder);
    isWaiting = true;
    // An abort ends the nap early; the check above tells.
    await delay(POLL_MS, undefined, { ...(signal ? { signal } : {}) }).catch(() => undefined);
  }
}

/** Who has the lock; null if nobody has. Changes nothing, and is out of date as soon as it is known. */
export async function lockHolder(folder: string): Promise<LockHolder | null> {
  try {
    const highest = Math.max(0, greatest(await tickets(folder)));
    return highest > 0 ? await holderOf(join(folder, String(highest))) : null;
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return null;
    throw fileError(error, `looking at the lock ${folder}`);
  }
}

async function release(ticket: string): Promise<void> {
  try {
    await truncate(ticket);
  } catch (error) {
    // Somebody deleted the lock, or the folder that it is in.
    if (fileErrorCode(error) !== "ENOENT") throw error;
  }
}

async function tickets(folder: string): Promise<readonly number[]> {
  return (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The process that a ticket names; null if it was released, if it has ended, or if the ticket is gone. */
async function holderOf(path: string): Promise<LockHolder | null> {
  let identity: ProcessIdentity;
  try {
    identity = JSON.parse(await readFile(path, "utf8")) as ProcessIdentity;
  } catch (error) {
    // Tickets appear whole: one that is no JSON was released, or lost its content in a power cut with its process.
    if (error instanceof SyntaxError || fileErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  const state = await processState(identity);
  return state === "dead" ? null : { process: identity, state };
}

/** Creates a file with its content in one step. @returns false if it is there already */
async function createWhole(path: string, content: string): Promise<boolean> {
  const unfinished = `${path}.${randomUUID()}`;
  try {
    await writeFile(unfinished, content);
    await link(unfinished, path);
    return true;
  } catch (error) {
    if (fileErrorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}
