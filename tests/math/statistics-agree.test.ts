import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { bootstrapMean } from "../../src/math/bootstrap.js";
import { cohensKappa } from "../../src/math/cohens-kappa.js";
import { meanAndSpread } from "../../src/math/mean-and-spread.js";
import { pairedTest } from "../../src/math/paired-test.js";
import { Random } from "../../src/math/random.js";
import { rouge } from "../../src/math/rouge.js";
import { quantile, standardDeviation } from "../../src/math/statistics.js";
import { welchTest } from "../../src/math/welch-test.js";
import { wilsonInterval } from "../../src/math/wilson-interval.js";
import { hasPython, PYTHON } from "../commands/tiny-project.js";

/** Roughly normal: the sum of twelve uniform numbers. */
const normal = (random: Random) => Array.from({ length: 12 }, () => random.next()).reduce((sum, x) => sum + x, -6);
const normals = (random: Random, n: number, centre = 0, deviation = 1) =>
  Array.from({ length: n }, () => centre + deviation * normal(random));
const oneOf = <T>(random: Random, items: readonly T[]): T => items[random.integer(0, items.length - 1)]!;
const words = (random: Random, low: number) =>
  Array.from({ length: random.integer(low, 30) }, () => oneOf(random, ["a", "of", "film", "good", "bad", "plot"])).join(
    " ",
  );

const SEEDS = [1n, 2n, 3n, 4n, 5n];
const forSeeds = <T>(draw: (random: Random) => readonly T[]): readonly T[] =>
  SEEDS.flatMap((seed) => draw(new Random(seed)));

/** Random data of every kind, from a handful of seeds. */
const problems = {
  wilson: forSeeds((random) =>
    [1, 7, 60, 600, 5000].map((n) => ({ n, successes: random.integer(0, n) })).concat({ n: 20, successes: 20 }),
  ),
  spread: forSeeds((random) => [2, 3, 5, 40].map((n) => normals(random, n, 7, 3))),
  paired: forSeeds((random) =>
    [2, 3, 6, 10, 13, 24].map((n) => ({ a: normals(random, n, 0.4), b: normals(random, n) })),
  ),
  welch: forSeeds((random) =>
    [2, 3, 8].map((n) => ({ a: normals(random, n, 1, 2), b: normals(random, random.integer(2, 12)) })),
  ),
  bootstrap: forSeeds((random) => [normals(random, 30, 2).map((x) => x ** 2), normals(random, 200)]),
  kappa: forSeeds((random) =>
    [6, 50, 300].map((n) =>
      Array.from({ length: n }, (): [string, string] => {
        const first = oneOf(random, ["policy", "opponent", "tie"]);
        return [first, random.bernoulli(0.6) ? first : oneOf(random, ["policy", "opponent"])];
      }),
    ),
  ),
  rouge: forSeeds((random) =>
    Array.from({ length: 8 }, () => ({ response: words(random, 1), reference: words(random, 2) })),
  ),
  quantile: forSeeds((random) =>
    [1, 2, 9, 100].map((n) => ({ sorted: normals(random, n).toSorted((a, b) => a - b), q: random.next() })),
  ),
};

type Kind = keyof typeof problems;
let answers: Readonly<Record<Kind, readonly (readonly number[])[]>>;

/** Ours and the other's, number by number. */
function expectAgreement(found: readonly (number | null)[], expected: readonly number[], relative = 1e-6): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(relative * Math.max(Math.abs(value), 1e-3));
  }
}

(hasPython ? describe : describe.skip)("on random data, the same as scipy says", () => {
  beforeAll(() => {
    const script = fileURLToPath(new URL("scipy_statistics.py", import.meta.url));
    const output = execFileSync(PYTHON, [script], { input: JSON.stringify(problems), encoding: "utf8" });
    answers = JSON.parse(output) as typeof answers;
  }, 120_000);

  test("Wilson's interval", () => {
    problems.wilson.forEach(({ successes, n }, i) => {
      const { mean, low, high } = wilsonInterval(successes, n);
      expectAgreement([mean, low, high], answers.wilson[i]!);
    });
  });

  test("mean, deviation, standard error and Student's interval", () => {
    problems.spread.forEach((xs, i) => {
      const { mean, standardDeviation, standardError, low, high } = meanAndSpread(xs);
      expectAgreement([mean, standardDeviation, standardError, low, high], answers.spread[i]!);
    });
  });

  test("the paired t test, and sign flips, exact and by Monte Carlo", () => {
    problems.paired.forEach(({ a, b }, i) => {
      const { t, pT, pPermutation } = pairedTest(a, b);
      const [expectedT, expectedP, flips] = answers.paired[i]!;
      expectAgreement([t, pT], [expectedT!, expectedP!]);
      // Beyond 13 pairs scipy draws 20,000 assignments, of which it doubles one tail, and we 100,000.
      const variance = (2 * flips! * (1 - flips! / 2)) / 20_000 + (flips! * (1 - flips!)) / 100_000;
      const error = Math.sqrt(variance) + 1e-4;
      expect(Math.abs(pPermutation - flips!)).toBeLessThanOrEqual(a.length > 13 ? 5 * error : 1e-12);
    });
  });

  test("Welch's test", () => {
    problems.welch.forEach(({ a, b }, i) => {
      const { t, degreesOfFreedom, p, difference } = welchTest(a, b)!;
      expectAgreement([t, degreesOfFreedom, p, difference.low, difference.high], answers.welch[i]!);
    });
  });

  test("the percentile bootstrap, within what the resamples leave open", () => {
    problems.bootstrap.forEach((xs, i) => {
      const { low, high } = bootstrapMean(xs, { resamples: 20_000, seed: BigInt(i) });
      // A 2.5 % quantile of 20,000 draws has an error of about 0.02 standard errors: five of them, for two such quantiles.
      const tolerance = (5 * Math.SQRT2 * 0.02 * standardDeviation(xs)) / Math.sqrt(xs.length);
      const [expectedLow, expectedHigh] = answers.bootstrap[i]!;
      expect(Math.abs(low - expectedLow!)).toBeLessThanOrEqual(tolerance);
      expect(Math.abs(high - expectedHigh!)).toBeLessThanOrEqual(tolerance);
    });
  });

  test.each<[Kind, () => readonly (number | null)[]]>([
    ["kappa", () => problems.kappa.map((labels) => cohensKappa(labels))],
    ["quantile", () => problems.quantile.map(({ sorted, q }) => quantile(sorted, q))],
  ])("%s", (kind, ours) => expectAgreement(ours(), answers[kind] as unknown as readonly number[], 1e-12));

  test("ROUGE", () => {
    problems.rouge.forEach(({ response, reference }, i) => {
      const { rouge1, rouge2, rougeL } = rouge(response, reference);
      expectAgreement([rouge1, rouge2, rougeL], answers.rouge[i]!, 1e-12);
    });
    expect(answers.rouge.flat().filter((score) => score > 0 && score < 1).length).toBeGreaterThan(60);
  });
});
