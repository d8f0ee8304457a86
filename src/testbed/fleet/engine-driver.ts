import { BatchingEngine, type EngineRow, type EngineSpeed } from "./batching-engine.js";
import type { SimulatedTime } from "./simulated-time.js";

/** Runs an engine by the clock: each row is told of when its time has come. */
export class EngineDriver<Row extends EngineRow> {
  private engine: BatchingEngine<Row>;
  private stopWaiting: () => void = () => undefined;

  /** @param onEnd called when a row ends, with how late that is (simulated ms) */
  constructor(
    private readonly speed: EngineSpeed,
    private readonly time: SimulatedTime,
    private readonly onEnd: (row: Row, lateMs: number) => void,
  ) {
    this.engine = new BatchingEngine(speed, time.now());
  }

  add(rows: readonly Row[]): void {
    this.catchUp();
    this.engine.add(rows);
    this.waitForNext();
  }

  remove(isUnwanted: (row: Row) => boolean): void {
    this.catchUp();
    this.engine.remove(isUnwanted);
    this.waitForNext();
  }

  /** Forgets everything. */
  reset(): void {
    this.stopWaiting();
    this.engine = new BatchingEngine(this.speed, this.time.now());
  }

  private catchUp(): void {
    const due = this.engine.nextEnd();
    const now = this.time.now();
    for (const row of this.engine.advance(now)) this.onEnd(row, now - due);
  }

  private waitForNext(): void {
    this.stopWaiting();
    const next = this.engine.nextEnd();
    if (next === Infinity) return;
    this.stopWaiting = this.time.at(next, () => {
      this.catchUp();
      this.waitForNext();
    });
  }
}
