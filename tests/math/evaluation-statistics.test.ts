import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cohensKappa } from "../../src/math/cohens-kappa.js";
import { distinctNgrams } from "../../src/math/distinct-ngrams.js";
import { klFrontier } from "../../src/math/kl-frontier.js";
import { meanAndSpread } from "../../src/math/mean-and-spread.js";
import { pairedTest } from "../../src/math/paired-test.js";
import { returnByPrefix } from "../../src/math/return-by-prefix.js";
import { rouge } from "../../src/math/rouge.js";
import { mean } from "../../src/math/statistics.js";
import { welchTest } from "../../src/math/welch-test.js";
import { wilsonInterval } from "../../src/math/wilson-interval.js";
import { wordsOf } from "../../src/math/words.js";

describe("wilsonInterval", () => {
  test("holds the share, within 0 and 1, also with ties", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const { mean, low, high } = wilsonInterval(Math.round(2 * share * n) / 2, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(mean);
        expect(mean).toBeLessThanOrEqual(high);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("of nothing says nothing", () => expect(wilsonInterval(0, 0)).toEqual({ mean: 0.5, low: 0, high: 1, n: 0 }));
});

describe("tests of a difference", () => {
  test("exact sign flips count every assignment", () => {
    // Of the 8 sums of ±1 ±2 ±3 two are as far from 0 as 6.
    expect(pairedTest([1, 2, 3], [0, 0, 0])).toMatchObject({ pPermutation: 0.25, smallestP: 0.25 });
    // ±1 ±2 ±3 against 1 + 2 - 3 = 0: every one is.
    expect(pairedTest([1, 2, -3], [0, 0, 0]).pPermutation).toBe(1);
  });

  test("claim nothing where nothing varies or too little is there", () => {
    expect(pairedTest([2, 2], [1, 1])).toMatchObject({ t: null, pT: null, pPermutation: 0.5 });
    expect(pairedTest([2], [1])).toMatchObject({ t: null, pPermutation: 1, difference: { low: null, n: 1 } });
    expect(() => pairedTest([1, 2], [1])).toThrow(RangeError);
    expect(() => meanAndSpread([])).toThrow(RangeError);
    expect(welchTest([1], [1, 2])).toBeNull();
    expect(welchTest([1, 1], [2, 2])).toBeNull();
  });

  test("by Monte Carlo are seeded, and never give 0", () => {
    const far = Array.from({ length: 30 }, (_, i) => 10 + i);
    const none = far.map(() => 0);
    const p = pairedTest(far, none, { draws: 1000, seed: 3n }).pPermutation;
    expect(p).toBe(1 / 1001);
    expect(pairedTest(far, none, { draws: 1000, seed: 3n }).pPermutation).toBe(p);
  });
});

test("kappa: chance agreement is 0, and a judge who always says the same tells nothing", () => {
  const independent = ["a", "b"].flatMap((x) => ["a", "b"].map((y): [string, string] => [x, y]));
  expect(cohensKappa(independent)).toBe(0);
  expect(cohensKappa([...independent, ["a", "a"], ["b", "b"]])).toBeCloseTo(1 / 3, 12);
  expect(
    cohensKappa([
      ["a", "a"],
      ["b", "a"],
    ]),
  ).toBeNull();
  expect(cohensKappa([])).toBeNull();
});

describe("words", () => {
  test("are letters, marks and digits of any script, in lower case", () => {
    expect(wordsOf("It's GREAT — 10/10, größte हिन्दी!")).toEqual(["it", "s", "great", "10", "10", "größte", "हिन्दी"]);
    expect(wordsOf(" …!")).toEqual([]);
  });

  test("ROUGE is 1 of the same words and 0 of none", () => {
    expect(rouge("A good film.", "a GOOD film")).toEqual({ rouge1: 1, rouge2: 1, rougeL: 1 });
    expect(rouge("", "a film")).toEqual({ rouge1: 0, rouge2: 0, rougeL: 0 });
    expect(rouge("…", "…")).toEqual({ rouge1: 0, rouge2: 0, rougeL: 0 });
    // One word has no pair.
    expect(rouge("film", "a film")).toEqual({ rouge1: 2 / 3, rouge2: 0, rougeL: 2 / 3 });
  });
});

describe("distinctNgrams", () => {
  const options = { resamples: 500, seed: 1n };

  test("is different n-grams over n-grams, over all texts", () => {
    const texts = ["a b a b", "b a", "c"];
    expect(distinctNgrams(texts, 1, options)!.mean).toBeCloseTo(3 / 7, 12);
    // ab ba ab, ba: two of four.
    expect(distinctNgrams(texts, 2, options)).toMatchObject({ mean: 0.5, n: 3 });
    expect(distinctNgrams(["", "one"], 2, options)).toBeNull();
  });

  test("has an interval that holds it, also where every n-gram is another", () => {
    const different = Array.from({ length: 50 }, (_, i) => `x${i} y${i}`);
    expect(distinctNgrams(different, 1, options)).toEqual({ mean: 1, low: 1, high: 1, n: 50 });
    const half = different.map((text, i) => (i % 2 ? "same same" : text));
    const { mean, low, high } = distinctNgrams(half, 1, options)!;
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
  });
});

describe("klFrontier", () => {
  const response = fc.record({
    kl: fc.double({ min: -1, max: 50, noNaN: true }),
    score: fc.double({ min: -5, max: 5, noNaN: true }),
  });

  test("cuts responses into bins of equal counts by rising KL, and loses none", () => {
    fc.assert(
      fc.property(fc.array(response, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (responses, bins) => {
        const frontier = klFrontier(responses, bins);
        const counts = frontier.map(({ score }) => score.n);
        expect(frontier).toHaveLength(Math.min(bins, responses.length));
        expect(counts.reduce((sum, n) => sum + n, 0)).toBe(responses.length);
        if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        frontier.slice(1).forEach(({ klLow }, i) => expect(klLow).toBeGreaterThanOrEqual(frontier[i]!.klHigh));
        const total = frontier.reduce((sum, { score }) => sum + score.mean * score.n, 0);
        expect(total).toBeCloseTo(
          responses.reduce((sum, { score }) => sum + score, 0),
          6,
        );
      }),
    );
  });
});

test("returnByPrefix: the prompt itself, then quarters of the budget", () => {
  const rollouts = [0, 0, 1, 5, 6, 10, 11, 19, 25].map((prefixTokens) => ({ prefixTokens, score: prefixTokens * 2 }));
  const buckets = returnByPrefix(rollouts, { budget: 20 });
  expect(buckets.map(({ moreThan, upTo, upToShare, score }) => [moreThan, upTo, upToShare, score.n])).toEqual([
    [0, 0, 0, 2],
    [0, 5, 0.25, 2],
    [5, 10, 0.5, 2],
    [10, 15, 0.75, 1],
    // A prefix beyond the budget counts to the last.
    [15, 20, 1, 2],
  ]);
  expect(buckets.map(({ score }) => score.mean)).toEqual([0, 6, 16, 22, mean([38, 50])]);
  expect(returnByPrefix([{ prefixTokens: 3, score: 1 }], { budget: 4 })).toHaveLength(1);
});
