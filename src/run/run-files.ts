import { join } from "node:path";
import { z } from "zod";
import type { Commit, MetricsLine } from "../ports/run-directory.js";

/** Where the files of a run are. */
export const runPaths = (directory: string) => ({
  recipe: join(directory, "recipe.json"),
  journal: join(directory, "journal.jsonl"),
  metrics: join(directory, "metrics.jsonl"),
  rollouts: join(directory, "rollouts"),
  memory: join(directory, "memory"),
  evaluation: join(directory, "evaluation.json"),
  evaluationFolder: join(directory, "evaluation"),
  lock: join(directory, ".lock"),
});

/** recipe.json: what was asked for, and of what it was made. */
export const runRecordSchema = z.object({
  runId: z.string().min(1),
  createdAt: z.string(),
  /** The run's folder when its recipe was written: files are found again where both were moved together. */
  directory: z.string().optional(),
  /** Of drpo, Node and the server's packages, when the run began. */
  versions: z.record(z.string(), z.string()),
  /** Of data, base, tokenizer and other files: a resumed run must find the same, wherever they are. */
  hashes: z.record(z.string(), z.string()),
  /** Resolved: every default written out, paths absolute. */
  recipe: z.record(z.string(), z.unknown()),
});

export type RunRecord = z.infer<typeof runRecordSchema>;

const checkpointSchema = z.object({ uri: z.string(), manifestHash: z.string() });

const commitSchema = z.object({
  iteration: z.number().int().min(0),
  checkpoint: checkpointSchema,
  best: z.object({ checkpoint: checkpointSchema, iteration: z.number().int(), objective: z.number() }).nullable(),
  kept: z.array(z.string()),
  memory: z.object({ name: z.string(), hash: z.string() }).nullable(),
}) satisfies z.ZodType<Commit>;

/** How a session of a run ended, when it could still say so. */
export type Outcome = "done" | "failed" | "interrupted";

/** A line of journal.jsonl: a process opened the run, an iteration was committed, or the process let go. `at`: ISO 8601. */
export type JournalEntry =
  | {
      readonly event: "opened";
      readonly at: string;
      readonly pid: number;
      readonly versions: Readonly<Record<string, string>>;
    }
  | { readonly event: "commit"; readonly at: string; readonly commit: Commit }
  | {
      readonly event: "ended";
      readonly at: string;
      readonly outcome: Outcome;
      /** Why, unless it is done. */
      readonly message: string | null;
    };

export const journalEntrySchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("opened"),
    at: z.string(),
    pid: z.number(),
    versions: z.record(z.string(), z.string()),
  }),
  z.object({ event: z.literal("commit"), at: z.string(), commit: commitSchema }),
  z.object({
    event: z.literal("ended"),
    at: z.string(),
    outcome: z.enum(["done", "failed", "interrupted"]),
    message: z.string().nullable(),
  }),
]) satisfies z.ZodType<JournalEntry>;

/** A line of metrics.jsonl. JSON has no NaN and no infinity: they are null in the file, and left out here. */
export const metricsLineSchema = z.object({
  stage: z.string(),
  iteration: z.number().int(),
  metrics: z.record(z.string(), z.number().nullable()).transform(finiteOnly),
}) satisfies z.ZodType<MetricsLine>;

function finiteOnly(metrics: Record<string, number | null>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter((entry): entry is [string, number] => entry[1] !== null));
}
