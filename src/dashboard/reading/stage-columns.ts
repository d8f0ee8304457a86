import type { MetricsLine } from "../../ports/run-directory.js";

/** The metrics of one stage by columns: NaN where an iteration has no such value. */
export class StageColumns {
  readonly iterations: number[] = [];
  readonly values = new Map<string, number[]>();

  constructor(readonly stage: string) {}

  /** Adds a line; one of an iteration that is there takes its place: the stage ran again. */
  add({ iteration, metrics }: MetricsLine): void {
    const place = this.placeOf(iteration);
    if (this.iterations[place] !== iteration) this.insert(place, iteration);
    for (const column of this.values.values()) column[place] = Number.NaN;
    for (const [name, value] of Object.entries(metrics)) this.column(name)[place] = value;
  }

  /** Numbers that are kept. */
  get cells(): number {
    return this.iterations.length * (this.values.size + 1);
  }

  /** The first place whose iteration is not below this one. */
  placeOf(iteration: number): number {
    const { iterations } = this;
    if (iterations.length === 0 || iterations.at(-1)! < iteration) return iterations.length;
    let [low, high] = [0, iterations.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (iterations[middle]! < iteration) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private insert(place: number, iteration: number): void {
    if (place === this.iterations.length) {
      this.iterations.push(iteration);
      for (const column of this.values.values()) column.push(Number.NaN);
    } else {
      this.iterations.splice(place, 0, iteration);
      for (const column of this.values.values()) column.splice(place, 0, Number.NaN);
    }
  }

  private column(name: string): number[] {
    const there = this.values.get(name);
    if (there) return there;
    const column = new Array<number>(this.iterations.length).fill(Number.NaN);
    this.values.set(name, column);
    return column;
  }
}
