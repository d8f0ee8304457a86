/** How fast an engine with continuous batching is; times in milliseconds. */
export interface EngineSpeed {
  /** Rows that are decoded at the same time; more wait in the order of their arrival. */
  readonly maxRows: number;
  readonly prefillTokensPerSecond: number;
  /** A decoding step of no rows (reading the weights), ... */
  readonly stepMs: number;
  /** ... and what each row adds to it. */
  readonly stepMsPerRow: number;
}

/** What of a row decides how long it takes. */
export interface EngineRow {
  /** Tokens to be computed before the first step; 0 where another row has the same context. */
  readonly prefillTokens: number;
  readonly newTokens: number;
}

/** Duration of a decoding step of so many rows, ms. */
export const stepDurationMs = ({ stepMs, stepMsPerRow }: EngineSpeed, rows: number): number =>
  stepMs + stepMsPerRow * rows;

/**
 * An engine with continuous batching in simulated time, without what it computes: rows are admitted in turn, a prefill
 * holds up everyone's next step, and each step gives every admitted row a token.
 */
export class BatchingEngine<Row extends EngineRow> {
  private readonly waiting: Row[] = [];
  /** The row that ends last comes first. */
  private readonly running: { readonly row: Row; readonly endStep: number }[] = [];
  private step = 0;
  private prefillLeftMs = 0;

  /** @param now simulated time, ms */
  constructor(
    private readonly speed: EngineSpeed,
    private now = 0,
  ) {}

  /** Rows that are here, running or waiting. */
  get load(): number {
    return this.running.length + this.waiting.length;
  }

  /** Adds rows at the time to which the engine was advanced. */
  add(rows: readonly Row[]): void {
    for (const row of rows) this.waiting.push(row);
    this.admit();
  }

  /** Takes rows out that nobody wants any more. */
  remove(isUnwanted: (row: Row) => boolean): void {
    keepIf(this.waiting, (row) => !isUnwanted(row));
    keepIf(this.running, ({ row }) => !isUnwanted(row));
    this.admit();
  }

  /** When the next row ends if nothing is added, ms; Infinity: never. */
  nextEnd(): number {
    const next = this.running.at(-1);
    return next === undefined ? Infinity : this.now + this.prefillLeftMs + (next.endStep - this.step) * this.stepMs();
  }

  /** Goes on to a time. @returns the rows that ended, in the order in which they did */
  advance(to: number): Row[] {
    const ended: Row[] = [];
    for (;;) {
      const end = this.nextEnd();
      if (!(end <= to)) break;
      this.prefillLeftMs = 0;
      this.now = end;
      this.step = this.running.at(-1)!.endStep;
      while (this.running.at(-1)?.endStep === this.step) ended.push(this.running.pop()!.row);
      this.admit();
    }
    this.decodeUntil(to);
    return ended;
  }

  private decodeUntil(to: number): void {
    const elapsed = Math.max(0, to - this.now);
    const prefilled = Math.min(elapsed, this.prefillLeftMs);
    this.prefillLeftMs -= prefilled;
    if (this.running.length > 0) this.step += (elapsed - prefilled) / this.stepMs();
    this.now = Math.max(this.now, to);
  }

  private admit(): void {
    const free = Math.max(0, this.speed.maxRows - this.running.length);
    for (const row of this.waiting.splice(0, free)) {
      this.prefillLeftMs += (row.prefillTokens / this.speed.prefillTokensPerSecond) * 1000;
      const endStep = this.step + row.newTokens;
      const place = this.running.findLastIndex((other) => other.endStep > endStep);
      this.running.splice(place + 1, 0, { row, endStep });
    }
  }

  private stepMs(): number {
    return stepDurationMs(this.speed, this.running.length);
  }
}

const keepIf = <Item>(items: Item[], isKept: (item: Item) => boolean): void => {
  const kept = items.filter(isKept);
  items.length = 0;
  for (const item of kept) items.push(item);
};
