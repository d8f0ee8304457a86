import { mkdir, readdir, truncate } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { flattenRecipe } from "../config/flatten-recipe.js";
import { fileError } from "../durable-files/file-error.js";
import type { LoggedRun, MetricLogger, TimedMetrics } from "../ports/metric-logger.js";
import { appendEvents } from "./event-file.js";
import { evaluationMetrics, namedMetrics } from "./metric-names.js";
import {
  fileVersionEvent,
  forgetEvent,
  hparamsEndEvent,
  hparamsEvent,
  scalarsEvent,
  textEvent,
} from "./tensorboard-events.js";
import { greatest } from "../math/extremes.js";

/** Options of the logger that a recipe calls `{ "kind": "tensorboard" }`. */
export const tensorboardLoggerOptions = z
  .strictObject({
    kind: z.literal("tensorboard"),
    directory: z
      .string()
      .min(1)
      .optional()
      .describe("Folder in which the run gets one of its own name. Left out: tensorboard/ in the run directory."),
  })
  .describe("Event files that TensorBoard shows.");

export type TensorboardLoggerOptions = z.infer<typeof tensorboardLoggerOptions>;

/** Where the event files of a run are. */
export const tensorboardFolder = (
  { directory }: TensorboardLoggerOptions,
  run: Pick<LoggedRun, "directory" | "name">,
): string => (directory === undefined ? join(run.directory, "tensorboard") : join(directory, run.name));

/** Ours, and nobody else's: those are left alone. */
const EVENT_FILE = /^events\.out\.tfevents\.(\d{10})\..*\.drpo$/;

/**
 * Writes event files as TensorBoard reads them. A file that begins says first that nothing before it counts, and then all
 * that does: so no point is seen twice after a crash, by a TensorBoard that was watching neither. (It could be told to
 * forget from a step on, but of every stage at once; each counts its iterations from 1.)
 */
export class TensorboardLogger implements MetricLogger {
  readonly kind = "tensorboard";
  private run: LoggedRun | null = null;
  private path = "";
  private lines: TimedMetrics[] = [];

  constructor(
    private readonly options: TensorboardLoggerOptions,
    private readonly now: () => Date = () => new Date(),
  ) {}

  async start(run: LoggedRun): Promise<void> {
    this.run = run;
    this.lines = [...run.history];
    await this.startFile(run);
  }

  async log(line: TimedMetrics): Promise<void> {
    const last = this.lines.findLast(({ stage }) => stage === line.stage);
    const isRepeated = last !== undefined && line.iteration <= last.iteration;
    if (isRepeated) {
      const isKept = ({ stage, iteration }: TimedMetrics) => stage !== line.stage || iteration < line.iteration;
      this.lines = this.lines.filter(isKept);
    }
    this.lines.push(line);
    if (isRepeated) await this.startFile(this.started());
    else await this.append([lineEvent(line)]);
  }

  async logEvaluation(evaluation: Parameters<MetricLogger["logEvaluation"]>[0]): Promise<void> {
    const time = { at: this.now(), step: evaluation.bestIteration };
    await this.append([scalarsEvent(time, evaluationMetrics(evaluation))]);
  }

  async close({ isDone }: { readonly isDone: boolean }): Promise<void> {
    if (this.run !== null) await this.append([hparamsEndEvent(this.now(), isDone ? "done" : "failed")]);
    this.run = null;
  }

  private started(): LoggedRun {
    if (this.run === null) throw new Error("a logger is started before anything is logged");
    return this.run;
  }

  private async startFile(run: LoggedRun): Promise<void> {
    const folder = tensorboardFolder(this.options, run);
    await this.writing(folder, async () => {
      await mkdir(folder, { recursive: true });
      const older = (await readdir(folder)).filter((name) => EVENT_FILE.test(name));
      this.path = join(folder, this.nextName(older));
      await appendEvents(this.path, [
        ...[fileVersionEvent(this.now()), forgetEvent(this.now())],
        ...this.firstEvents(run),
      ]);
      // Emptied, not removed: a TensorBoard that is reading one would never get to the next.
      for (const name of older) await truncate(join(folder, name));
    });
  }

  /** They are read in the order of their names: later than all before, whatever the clock says. */
  private nextName(older: readonly string[]): string {
    const seconds = older.map((name) => Number(EVENT_FILE.exec(name)?.[1]) + 1);
    const next = Math.max(Math.floor(this.now().getTime() / 1000), greatest(seconds));
    return `events.out.tfevents.${String(next).padStart(10, "0")}.${hostname()}.drpo`;
  }

  private firstEvents({ recipe, startedAt }: LoggedRun): Uint8Array[] {
    const text = `\`\`\`json\n${JSON.stringify(recipe, null, 2)}\n\`\`\``;
    return [
      textEvent({ at: startedAt, step: 0 }, "recipe", text),
      hparamsEvent(startedAt, hparamsOf(recipe)),
      ...this.lines.map(lineEvent),
    ];
  }

  private append(events: readonly Uint8Array[]): Promise<void> {
    return this.writing(dirname(this.path), () => appendEvents(this.path, events));
  }

  private async writing(folder: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw fileError(error, `writing TensorBoard events in ${folder}`);
    }
  }
}

const lineEvent = (line: TimedMetrics): Uint8Array =>
  scalarsEvent({ at: line.at, step: line.iteration }, namedMetrics(line));

/** The recipe's values by their paths; lists as JSON. */
const hparamsOf = (recipe: LoggedRun["recipe"]): ReadonlyMap<string, string | number | boolean> =>
  new Map(
    [...flattenRecipe(recipe)].map(([path, value]) => {
      const isSimple = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
      return [path, isSimple ? value : JSON.stringify(value)];
    }),
  );
