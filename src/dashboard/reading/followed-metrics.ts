import { metricsLineSchema, runPaths } from "../../run/run-files.js";
import { JsonLinesFollower } from "./follow-json-lines.js";
import { StageColumns } from "./stage-columns.js";

/** The metrics of a run so far, by columns, in memory: about 8 bytes a value. */
export class FollowedMetrics {
  readonly stages = new Map<string, StageColumns>();
  /** The stage of the last line. */
  latestStage: string | null = null;
  private damaged: number[] = [];
  private readonly path: string;
  private readonly follower: JsonLinesFollower;

  constructor(directory: string, onRead: (bytes: number) => void) {
    this.path = runPaths(directory).metrics;
    const listener = {
      onLine: (value: unknown, line: number) => this.take(value, line),
      onDamaged: (line: number) => void this.damaged.push(line),
      onReset: () => this.reset(),
    };
    this.follower = new JsonLinesFollower(this.path, listener, onRead);
  }

  follow(): Promise<boolean> {
    return this.follower.follow();
  }

  get cells(): number {
    return [...this.stages.values()].reduce((sum, { cells }) => sum + cells, 0);
  }

  get problems(): readonly string[] {
    const { length } = this.damaged;
    if (length === 0) return [];
    return [
      `${this.path}: ${length} ${length === 1 ? "line is" : "lines are"} damaged, the first is line ${this.damaged[0]}.`,
    ];
  }

  private take(value: unknown, number: number): void {
    const line = metricsLineSchema.safeParse(value).data;
    if (!line) {
      this.damaged.push(number);
      return;
    }
    const there = this.stages.get(line.stage) ?? new StageColumns(line.stage);
    this.stages.set(line.stage, there);
    there.add(line);
    this.latestStage = line.stage;
  }

  private reset(): void {
    this.stages.clear();
    [this.latestStage, this.damaged] = [null, []];
  }
}
