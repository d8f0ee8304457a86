import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { readRun } from "../../src/run/read-run.js";
import type { StartedDrpo } from "./run-drpo.js";

/** Names and hashes of all weights and optimiser states of a run's last checkpoint, which must be of this iteration. */
export async function checkpointHashes(
  directory: string,
  iteration: number,
): Promise<Readonly<Record<string, string>>> {
  const commit = (await readRun(directory)).lastCommit!;
  expect(commit.iteration).toBe(iteration);
  return fileHashes(join(directory, commit.checkpoint.uri));
}

/** Names and hashes of a checkpoint's weights and optimiser states. */
export async function fileHashes(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
  expect(names.length).toBeGreaterThan(0);
  const hashes = await Promise.all(
    names.map(async (name) =>
      createHash("sha256")
        .update(await readFile(join(folder, name)))
        .digest("hex"),
    ),
  );
  return Object.fromEntries(names.map((name, i) => [name, hashes[i]!]));
}

/** Resolves when the file contains the text. @throws if the process ends first */
export async function journalHas(path: string, text: string, child: StartedDrpo): Promise<void> {
  let ended: string | undefined;
  void child.ended.then(({ stderr }) => (ended = stderr));
  for (;;) {
    if (existsSync(path) && (await readFile(path, "utf8")).includes(text)) return;
    if (ended !== undefined) throw new Error(`it ended before ${text} was in ${path}: ${ended}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
