import { describe, expect, test } from "@jest/globals";
import { Random } from "../../src/math/random.js";
import { seedAt } from "../../src/math/seeds.js";

describe("seedAt", () => {
  test("is a function of the position alone", () => {
    expect(seedAt(1, "rollout", 3, 4, 0)).toBe(seedAt(1, "rollout", 3, 4, 0));
  });

  test("differs by run, purpose, iteration, row and continuation", () => {
    const seeds = [
      seedAt(1, "rollout", 3, 4, 0),
      seedAt(2, "rollout", 3, 4, 0),
      seedAt(1, "validation", 3, 4, 0),
      seedAt(1, "rollout", 4, 4, 0),
      seedAt(1, "rollout", 3, 5, 0),
      seedAt(1, "rollout", 3, 4, 1),
      seedAt(1, "rollout", 34, 0),
    ];
    expect(new Set(seeds).size).toBe(seeds.length);
    for (const seed of seeds) expect(seed >= 0n && seed < 1n << 64n).toBe(true);
  });
});

describe("Random", () => {
  test("integers are uniform on both ends included", () => {
    const random = new Random(7n);
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 6000; draw++) {
      const value = random.integer(2, 4);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([2, 3, 4]);
    // Binomial(6000, 1/3) has a deviation of 37.
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(5 * 37);
  });

  test("shuffled keeps every item once and reaches every order", () => {
    const orders = new Set(
      Array.from({ length: 200 }, (_, seed) => new Random(BigInt(seed)).shuffled([1, 2, 3]).join("")),
    );
    expect(orders.size).toBe(6);
  });
});
