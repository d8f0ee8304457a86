import { formatDuration } from "./format-duration.js";

/** What was done before a task began in earnest (a resumed stage) says nothing about its speed. */
const HEAD_START_MS = 1000;

/** One thing under way: how far it is, and when it will be through at the speed that it had. */
export class TaskState {
  done = 0;
  private figures: Readonly<Record<string, number>> = {};
  private headStart = 0;
  private updatedAt: number;

  constructor(
    readonly label: string,
    readonly total: number,
    readonly unit: string,
    private readonly startedAt: number,
  ) {
    this.updatedAt = startedAt;
  }

  update(done: number, figures: Readonly<Record<string, number>> | undefined, now: number): void {
    if (this.done === 0 && now - this.startedAt < HEAD_START_MS && done < this.total) this.headStart = done;
    this.done = done;
    this.updatedAt = now;
    if (figures) this.figures = figures;
  }

  /** Between 0 and 1. */
  get share(): number {
    return this.total > 0 ? Math.min(this.done / this.total, 1) : 0;
  }

  /** "2 min 10 s left"; empty while nothing is known. */
  timeLeft(now: number): string {
    const since = this.done - this.headStart;
    if (since <= 0 || this.done >= this.total) return "";
    const perUnit = (this.updatedAt - this.startedAt) / since;
    const left = perUnit * (this.total - this.done) - (now - this.updatedAt);
    return `${formatDuration(Math.max(left, 0))} left`;
  }

  /** How it ended: in words, or with what was done (all of it, whatever was said last) and its figures; and how long it took. */
  ended(note: string | undefined, now: number): string {
    const result = note === undefined ? [`${this.total} ${this.unit}`, this.figuresText] : [note];
    return [...result, formatDuration(now - this.startedAt)].filter(Boolean).join(", ");
  }

  /** "3/25 iterations" */
  get counted(): string {
    return `${this.done}/${this.total} ${this.unit}`;
  }

  /** "score 0.412, kl 1.2"; those that are not numbers are left out. */
  get figuresText(): string {
    return Object.entries(this.figures)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`)
      .join(", ");
  }
}
