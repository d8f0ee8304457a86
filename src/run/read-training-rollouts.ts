import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { fileErrorCode } from "../durable-files/file-error.js";
import { runPaths } from "./run-files.js";

const count = z.number().int().min(0);

/** What a reader of training rollouts sees of a line of rollouts/ITERATION.jsonl. */
const trainingRolloutSchema = z
  .object({
    ...{ row: count, continuation: count, score: z.number(), text: z.string() },
    sourceId: z.string().nullable(),
    ...{ prefix: z.array(z.unknown()), generated: z.array(z.unknown()) },
    /** Missing in runs of older versions. */
    tokenTexts: z.array(z.string()).optional(),
  })
  .transform(({ prefix, generated, tokenTexts, ...rollout }) => ({
    ...rollout,
    ...{ prefixTokens: prefix.length, generatedTokens: generated.length },
    /** The text of the prefix; null where the run did not keep it. */
    prefixText: tokenTexts === undefined ? null : tokenTexts.slice(0, prefix.length).join(""),
  }));

export interface TrainingRollout extends z.output<typeof trainingRolloutSchema> {
  readonly iteration: number;
}

/**
 * Every rollout of a run's training, one by one in the order of its iterations: there can be more than memory holds.
 * Lines that are damaged are left out.
 * @param onDamage called once for each file with damaged lines
 */
export async function* readTrainingRollouts(
  directory: string,
  onDamage: (path: string, lines: readonly number[]) => void,
): AsyncGenerator<TrainingRollout> {
  const folder = runPaths(directory).rollouts;
  for (const { iteration, path } of await iterationFiles(folder)) {
    const damaged: number[] = [];
    let line = 0;
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      line += 1;
      const parsed = trainingRolloutSchema.safeParse(jsonOrNull(text));
      if (parsed.success) yield { ...parsed.data, iteration };
      else damaged.push(line);
    }
    if (damaged.length > 0) onDamage(path, damaged);
  }
}

/** The files of a run's rollouts by rising iteration; none where nothing is kept. */
export async function iterationFiles(
  folder: string,
): Promise<readonly { readonly iteration: number; readonly path: string }[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (fileErrorCode(error) === "ENOENT" || fileErrorCode(error) === "ENOTDIR") return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const digits = /^(\d+)\.jsonl$/.exec(name)?.[1];
      return digits === undefined ? [] : [{ iteration: Number(digits), path: join(folder, name) }];
    })
    .sort((a, b) => a.iteration - b.iteration);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
