import { z } from "zod";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { CorruptStateError } from "../errors.js";
import type { StoredRollout } from "../ports/run-directory.js";

const tokens = z.array(z.number().int().min(0));

/** What a reset needs of a line of rollouts/ITERATION.jsonl. */
const storedRolloutSchema = z.object({
  ...{ row: z.number().int(), continuation: z.number().int(), score: z.number() },
  ...{ prompt: tokens, prefix: tokens, generated: tokens },
}) satisfies z.ZodType<StoredRollout>;

/** @param path of rollouts/ITERATION.jsonl. @throws CorruptStateError if it is gone or damaged */
export async function readRollouts(path: string): Promise<readonly StoredRollout[]> {
  const { rows, damagedLines } = await readJsonLines(path);
  const parsed = rows.map(({ value }) => storedRolloutSchema.safeParse(value));
  if (rows.length === 0 || damagedLines.length > 0 || parsed.some(({ success }) => !success)) {
    throw new CorruptStateError(
      `${path}, which resets into earlier rollouts read, is gone or damaged. Restore it from a copy, or start a new run.`,
    );
  }
  return parsed.map(({ data }) => data!);
}
