import { expect, test } from "@jest/globals";
import { resetSchema } from "../../src/config/reset.js";
import { datasetSource } from "../../src/drpo/resets/dataset-source.js";
import { createResetSampler } from "../../src/drpo/resets/reset-sampler.js";
import { uniformCut } from "../../src/drpo/resets/uniform-cut.js";
import { MODELS } from "../drpo/resets/reset-fixtures.js";
import { chiSquareTail } from "./joint-test.js";

const EOS = 9;
const BUDGET = 7;
/** One is shorter than the budget, one as long, one longer; with their end of sequence. */
const RESPONSES = [3, 7, 12].map((length, i) => ({
  ...{ id: String(i), prompt: [1], response: [...new Array<number>(length - 1).fill(2 + i), EOS] },
}));

/**
 * The two laws, written out: Uniform{1..len-1} (the released code) and Uniform{0..len-1} (the paper), with
 * len = min(tokens and end of sequence, budget).
 */
const lengthsOf = (law: "released" | "theory", responseLength: number): number[] => {
  const len = Math.min(responseLength, BUDGET);
  return Array.from({ length: len }, (_, length) => length).filter((length) => law === "theory" || length >= 1);
};

test.each(["released", "theory"] as const)(
  "100,000 draws: response and prefix length are distributed by the %s law, jointly",
  async (law) => {
    const sampler = createResetSampler({
      ...{ spec: resetSchema.parse({ proportion: 1 }), selector: uniformCut(law) },
      ...{ source: datasetSource({ responses: RESPONSES, seed: 11 }), budget: BUDGET, contextTokens: 50 },
      ...{ endTokenIds: [EOS], iterations: 100, rolloutsPerIteration: 1000, seed: 11 },
    });
    const counts = new Map<string, number>();
    for (let iteration = 0; iteration < 100; iteration++) {
      for (const { sourceId, prefix } of await sampler.draw({ iteration, models: MODELS }, {})) {
        const cell = `${sourceId}: ${prefix.length}`;
        counts.set(cell, (counts.get(cell) ?? 0) + 1);
      }
    }
    const cells = RESPONSES.flatMap(({ id, response }) => {
      const lengths = lengthsOf(law, response.length);
      return lengths.map((length) => ({ cell: `${id}: ${length}`, p: 1 / (RESPONSES.length * lengths.length) }));
    });
    expect([...counts.keys()].sort()).toEqual(cells.map(({ cell }) => cell).sort());
    const statistic = cells.reduce((sum, { cell, p }) => sum + ((counts.get(cell) ?? 0) - 1e5 * p) ** 2 / (1e5 * p), 0);
    expect(chiSquareTail(statistic, cells.length - 1)).toBeGreaterThan(0.001);
  },
);
