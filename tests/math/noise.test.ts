import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { uniform } from "../../src/math/noise.js";

interface Golden {
  readonly seed: string;
  readonly position: number;
  readonly uniform: number;
}

test("the noise of a position is the server's, bit for bit", () => {
  const golden = JSON.parse(
    readFileSync(new URL("../golden/noise.json", import.meta.url), "utf8"),
  ) as readonly Golden[];
  expect(golden.length).toBeGreaterThan(0);
  for (const row of golden) expect(uniform(BigInt(row.seed), row.position)).toBe(row.uniform);
});
