import { describe, expect, test } from "@jest/globals";
import { resetSchema, type ResetSpec } from "../../src/config/reset.js";
import type { ResetPoint } from "../../src/domain/rollout.js";
import { datasetResetSampler } from "../../src/drpo/reset-sampler.js";

const EOS = 9;
const response = (id: string, tokens: number[]) => ({ id, prompt: [1, 2], response: [...tokens, EOS], rating: 1 });
const responses = [response("short", [3]), response("long", [3, 4, 5, 6, 7, 8])];

function draw(
  options: Partial<ResetSpec>,
  rows: number,
  budget = 5,
  source = responses,
): Promise<readonly ResetPoint[]> {
  const spec = { ...resetSchema.parse({}), ...options };
  return datasetResetSampler({ responses: source, spec, budget, rolloutsPerIteration: rows, seed: 1 }).draw(0);
}

/** Pearson's statistic of counts against a uniform law. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("datasetResetSampler", () => {
  test("a prefix is the beginning of a response of the data, in token ids, and never the whole", async () => {
    for (const { prefix, sourceId, maxNewTokens } of await draw({}, 500)) {
      const source = responses.find(({ id }) => id === sourceId)!;
      expect(source.response.slice(0, prefix.length)).toEqual(prefix);
      expect(prefix.length).toBeLessThan(source.response.length);
      expect(prefix.length + maxNewTokens).toBe(5);
    }
  });

  test.each([
    ["released", 1],
    ["theory", 0],
  ] as const)("prefix lengths follow the %s law", async (law, shortest) => {
    const long = [responses[1]!];
    const resets = await draw({ selector: { kind: "uniform", law } }, 10_000, 5, long);
    const counts = Array.from({ length: 5 - shortest }, () => 0);
    for (const { prefix } of resets) counts[prefix.length - shortest]!++;
    // 99.9 % quantiles of chi-square with 3 and 4 degrees of freedom.
    expect(chiSquare(counts)).toBeLessThan(law === "released" ? 16.27 : 18.47);
  });

  test("proportion 0 is PPO: every rollout starts at the prompt with the whole budget", async () => {
    for (const reset of await draw({ proportion: 0 }, 50)) {
      expect(reset).toMatchObject({ prefix: [], sourceId: null, maxNewTokens: 5 });
    }
  });

  test("the proportion is the share of resets, and does not change which responses are drawn", async () => {
    const half = await draw({ proportion: 0.5 }, 4000);
    const all = await draw({ proportion: 1 }, 4000);
    const share = half.filter(({ sourceId }) => sourceId !== null).length / half.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.04);
    half.forEach((reset, row) => {
      if (reset.sourceId !== null) expect(reset).toEqual(all[row]);
    });
  });

  test("a response too short to be cut gives no reset under the released law", async () => {
    const onlyEos = [response("empty", [])];
    expect((await draw({}, 3, 5, onlyEos)).every(({ sourceId }) => sourceId === null)).toBe(true);
  });

  test("the prefix can be left out of the budget, and several continuations share a reset point", async () => {
    const resets = await draw({ prefixCountsInBudget: false, continuations: 2 }, 8);
    expect(resets).toHaveLength(4);
    for (const { maxNewTokens } of resets) expect(maxNewTokens).toBe(5);
  });

  test("a draw depends on the iteration and the row alone", async () => {
    expect(await draw({}, 8)).toEqual((await draw({}, 16)).slice(0, 8));
  });
});
