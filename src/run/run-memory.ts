import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { CorruptStateError } from "../errors.js";
import type { RunMemory, RunMemoryRef } from "../ports/run-directory.js";

const memorySchema = z.object({
  klCoef: z.number(),
  fractions: z.record(z.string(), z.tuple([z.number(), z.number()])),
}) satisfies z.ZodType<RunMemory>;

/** Those of the last two commits stay: the newest may belong to a commit that never happened. */
const KEPT = 2;

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Writes memory/ITERATION.json, durably, and removes those that no commit needs any more. */
export async function writeRunMemory(folder: string, iteration: number, memory: RunMemory): Promise<RunMemoryRef> {
  await mkdir(folder, { recursive: true });
  const name = `${String(iteration).padStart(6, "0")}.json`;
  const text = `${JSON.stringify(memory)}\n`;
  await writeFileAtomically(join(folder, name), text);
  const older = (await readdir(folder)).filter((other) => /^\d+\.json$/.test(other) && other < name).sort();
  for (const old of older.slice(0, Math.max(older.length - KEPT + 1, 0))) await rm(join(folder, old), { force: true });
  return { name, hash: hashOf(text) };
}

/** @throws CorruptStateError if the file is gone, or not what was kept */
export async function readRunMemory(folder: string, { name, hash }: RunMemoryRef): Promise<RunMemory> {
  const path = join(folder, name);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CorruptStateError(`${path}, which the last commit needs, cannot be read. Restore it from a copy.`, {
      cause,
    });
  });
  if (hashOf(text) !== hash) {
    throw new CorruptStateError(`${path} is not what the last commit kept: its hash differs. Restore it from a copy.`);
  }
  return memorySchema.parse(JSON.parse(text));
}
