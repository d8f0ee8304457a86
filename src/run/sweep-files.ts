import { join } from "node:path";
import { z } from "zod";

/** Where the files of a sweep are; its runs are folders beside them. */
export const sweepPaths = (directory: string) => ({
  sweep: join(directory, "sweep.json"),
  launches: join(directory, "launches.jsonl"),
  logs: join(directory, "logs"),
  log: (run: string) => join(directory, "logs", `${run}.log`),
  jobs: join(directory, "jobs"),
  lock: join(directory, ".lock"),
});

/** What no run of a sweep can be called. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(["sweep.json", "launches.jsonl", "logs", "jobs"]);

const storedRunSchema = z.object({
  name: z.string().min(1),
  /** The name without the seed. */
  configuration: z.string(),
  /** Relative to the sweep's folder. */
  directory: z.string(),
  /** Absolute. */
  recipe: z.string(),
  /** `path=value`, as `drpo train --set` takes them. */
  settings: z.array(z.string()),
  /** The recipe's, resolved. */
  seed: z.number().int(),
  /** SHA-256 (hexadecimal) of the resolved recipe, less what may differ between sessions; files relative to the sweep. */
  recipeHash: z.string(),
});

/** sweep.json of a sweep's folder: its runs, resolved. */
export const storedSweepSchema = z.object({
  name: z.string(),
  createdAt: z.string(),
  /** The sweep's folder when this was written: recipes that were moved together with it are found again. */
  directory: z.string().optional(),
  runs: z.array(storedRunSchema),
});

export type StoredSweepRun = z.infer<typeof storedRunSchema>;
export type StoredSweep = z.infer<typeof storedSweepSchema>;

/**
 * A line of launches.jsonl: what a run's own folder cannot tell. A run was started (or handed to a scheduler, whose job it
 * then is), or its process ended; `message`: why, where it failed. `at`: ISO 8601.
 */
export const launchEntrySchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("launched"),
    at: z.string(),
    run: z.string(),
    /** What the sweep calls the scheduler's job; null of a process. Written before the job is submitted, ... */
    job: z.string().nullable(),
    /** ... and again when the scheduler has said what it calls it. */
    jobId: z.string().nullable(),
  }),
  z.object({ event: z.literal("ended"), at: z.string(), run: z.string(), message: z.string().nullable() }),
]);

export type LaunchEntry = z.infer<typeof launchEntrySchema>;
