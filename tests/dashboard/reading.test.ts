import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { alignTokens } from "../../src/dashboard/reading/align-tokens.js";
import { downsample } from "../../src/dashboard/reading/downsample.js";
import { StageColumns } from "../../src/dashboard/reading/stage-columns.js";

describe("tokens and the text that they wrote", () => {
  test.each([
    ["so good", ["so", " good", ""], ["so", " good", ""]],
    ["so good", ["so", "good"], ["so", " good"]],
    ["caf\u00e9!", ["caf", "\ufffd", "\ufffd", "!"], ["caf", "", "\u00e9", "!"]],
    ["a a", ["a", " a"], ["a", " a"]],
    ["", [""], [""]],
    ["left", [], []],
  ])("of %j: %j", (text, tokens, pieces) => {
    expect(alignTokens(text, tokens)).toEqual(pieces);
  });

  test("add up to the text, whatever the tokens are", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { minLength: 1 }), (text, tokens) => {
        const pieces = alignTokens(text, tokens);
        expect(pieces).toHaveLength(tokens.length);
        expect(pieces.join("")).toBe(text);
      }),
    );
  });

  test("are exactly the tokens where these add up to the text", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }).filter((token) => !token.includes("\ufffd"))), (tokens) => {
        expect(alignTokens(tokens.join(""), tokens)).toEqual(tokens);
      }),
    );
  });
});

test("a long curve keeps its ends, its least and its greatest value, in order", () => {
  const values = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.NaN)), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 8 }), (y, buckets) => {
      const places = downsample(y, { from: 0, to: y.length, buckets });
      const there = y.flatMap((value, i) => (Number.isNaN(value) ? [] : [i]));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(new Set(places).size).toBe(places.length);
      expect(places.length).toBeLessThanOrEqual(2 * buckets + 2);
      expect([places[0], places.at(-1)]).toEqual([there[0], there.at(-1)]);
      const extremes = (at: readonly number[]) => [
        Math.min(...at.map((i) => y[i]!)),
        Math.max(...at.map((i) => y[i]!)),
      ];
      if (there.length > 0) expect(extremes(places)).toEqual(extremes(there));
    }),
  );
});

test("metrics by columns: an iteration that comes again takes the place of the first", () => {
  const columns = new StageColumns("policy");
  for (const [iteration, metrics] of [
    [1, { score: 1 }],
    [3, { score: 3, kl: 0.3 }],
    [2, { score: 2 }],
    [3, { score: 30 }],
  ] as const)
    columns.add({ stage: "policy", iteration, metrics });
  expect(columns.iterations).toEqual([1, 2, 3]);
  expect(columns.values.get("score")).toEqual([1, 2, 30]);
  expect(columns.values.get("kl")).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});
