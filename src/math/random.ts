import { uniform } from "./noise.js";

/** A sequence of random numbers from one seed: draw i is `uniform(seed, i)`. */
export class Random {
  private position = 0;

  constructor(private readonly seed: bigint) {}

  /** Uniform on [0, 1). */
  next(): number {
    return uniform(this.seed, this.position++);
  }

  /** Uniform on the integers low..high, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with this probability. */
  bernoulli(probability: number): boolean {
    return this.next() < probability;
  }

  /** A uniformly random order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const order = [...items];
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [order[last], order[other]] = [order[other] as T, order[last] as T];
    }
    return order;
  }
}
