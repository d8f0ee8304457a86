import { describe, expect, test } from "@jest/globals";
import type { JudgedRow } from "../../src/domain/evaluation.js";
import type { TokenizedGroup, TokenizedResponse } from "../../src/domain/tokenized-dataset.js";
import type { Judge } from "../../src/ports/judge.js";
import { referenceOf } from "../../src/stages/evaluation/evaluation-rows.js";
import { judgeResponses } from "../../src/stages/evaluation/judge-responses.js";
import { judgeAgreement, winRates } from "../../src/stages/evaluation/win-rates.js";
import { silent } from "./tiny-run.js";

const response = (id: string, rating: number): TokenizedResponse => ({ id, rating, prompt: [1], response: [2] });
const group = (ratings: readonly number[], reference: TokenizedResponse | null = null): TokenizedGroup => ({
  ...{ id: "g", promptText: "?", prompt: [1], reference },
  responses: ratings.map((rating, i) => response(`${i}`, rating)),
});

describe("the reference of a row", () => {
  const drawn = (ratings: readonly number[]) =>
    new Set(Array.from({ length: 100 }, (_, seed) => referenceOf(group(ratings), BigInt(seed))?.id));

  test("is the one that the data names", () => {
    expect(referenceOf(group([1, 0], response("named", 1)), 1n)?.id).toBe("named");
  });

  test("of a pair is the better one, wherever it stands", () => {
    expect(drawn([0, 1])).toEqual(new Set(["1"]));
    expect(drawn([1, 0])).toEqual(new Set(["0"]));
  });

  test("of a ranked list is any of the better half, the same for the same seed", () => {
    expect(drawn([1, 5, 2, 9, 3, 7])).toEqual(new Set(["1", "3", "5"]));
    expect(referenceOf(group([1, 5, 2, 9]), 7n)).toEqual(referenceOf(group([1, 5, 2, 9]), 7n));
    // Nobody preferred one that is rated like the worst.
    expect(drawn([0, 0, 1, 0])).toEqual(new Set(["2"]));
  });

  test("is none where nobody preferred anything", () => {
    expect(drawn([])).toEqual(new Set([undefined]));
    expect(drawn([3])).toEqual(new Set([undefined]));
    expect(drawn([3, 3])).toEqual(new Set([undefined]));
  });
});

const row = (index: number, text: string) => ({ row: index, prompt: `p${index}`, response: text });

/** The longer response is better; it cannot say which of those that begin with "?" is. */
const longer = (name: string): Judge => ({
  name,
  compare: (comparisons) =>
    Promise.resolve(
      comparisons.map(({ first, second, prompt }) => {
        const difference = first.length - second.length;
        const verdict = difference > 0 ? "first" : difference < 0 ? "second" : "tie";
        const answers = [{ firstShown: "second" as const, preferred: verdict, text: `${prompt}: ${verdict}` } as const];
        return first.startsWith("?") ? { verdict: null, answers: [] } : { verdict, answers };
      }),
    ),
});

const context = (...judges: Judge[]) => ({ judges, progress: silent, call: {} });

describe("judging", () => {
  test("pairs rows by their number, and says who is who", async () => {
    const policy = [row(0, "long"), row(1, "s"), row(2, "eq")];
    const opponent = [row(2, "qe"), row(0, "abc")];
    const judged = await judgeResponses(context(longer("a")), policy, new Map([["runs/ppo", opponent]]));
    expect(judged).toEqual([
      {
        ...{ row: 0, judge: "a", against: "runs/ppo", verdict: "policy" },
        answers: [{ first: "opponent", preferred: "policy", text: "p0: first" }],
      },
      {
        ...{ row: 2, judge: "a", against: "runs/ppo", verdict: "tie" },
        answers: [{ first: "opponent", preferred: "tie", text: "p2: tie" }],
      },
    ]);
  });

  test("counts wins, ties as one half, and leaves out rows without a verdict", async () => {
    const policy = ["long", "s", "eq", "?"].map((text, i) => row(i, text));
    const sft = ["abc", "abc", "qe", "abc"].map((text, i) => row(i, text));
    const judged = await judgeResponses(context(longer("a"), longer("b")), policy, new Map([["sft", sft]]));
    const rates = winRates(judged);
    expect(rates.map(({ judge, against, ties, unjudged }) => [judge, against, ties, unjudged])).toEqual([
      ["a", "sft", 1, 1],
      ["b", "sft", 1, 1],
    ]);
    expect(rates[0]!.winRate).toMatchObject({ mean: 0.5, n: 3 });
    expect(judgeAgreement(judged)).toMatchObject([
      { judges: ["a", "b"], against: "sft", share: { mean: 1, n: 3 }, kappa: 1 },
    ]);
  });

  test("asks no judge where there is none", async () => {
    expect(await judgeResponses(context(), [row(0, "a")], new Map([["sft", [row(0, "b")]]]))).toEqual([]);
    expect(winRates([])).toEqual([]);
  });
});

test("agreement is over the rows on which both judges have a verdict, for each opponent", () => {
  const verdict = (judge: string, against: string, row: number, given: JudgedRow["verdict"]): JudgedRow => ({
    ...{ row, judge, against, verdict: given, answers: [] },
  });
  const judged = [
    ...(["policy", "opponent", "tie", null] as const).map((given, i) => verdict("a", "sft", i, given)),
    ...(["policy", "policy", "tie", "policy"] as const).map((given, i) => verdict("b", "sft", i, given)),
    verdict("a", "reference", 0, "policy"),
    verdict("b", "reference", 0, null),
  ];
  const [sft, reference] = judgeAgreement(judged);
  expect(sft).toMatchObject({ against: "sft", share: { mean: 2 / 3, n: 3 } });
  // Expected by chance: (1/3)(2/3) + (1/3)(0) + (1/3)(1/3) = 1/3.
  expect(sft!.kappa).toBeCloseTo(0.5, 12);
  expect(reference).toMatchObject({ share: { n: 0 }, kappa: null });
});
