import { describe, expect, test } from "@jest/globals";
import type { JudgedRow } from "../../src/domain/evaluation.js";
import type { TokenizedGroup, TokenizedResponse } from "../../src/domain/tokenized-dataset.js";
import type { Judge } from "../../src/ports/judge.js";
import { referenceOf } from "../../src/stages/evaluation/evaluation-rows.js";
import { judgeResponses, pairings } from "../../src/stages/evaluation/judge-responses.js";
import { mergeVerdicts } from "../../src/stages/evaluation/merge-verdicts.js";
import { headlineWinRate, judgeAgreement, winRates } from "../../src/stages/evaluation/win-rates.js";
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
    const asked = pairings({ policy, sft: [] }, new Map([["runs/ppo", opponent]]));
    const judged = await judgeResponses(context(longer("a")), asked);
    expect(judged).toEqual([
      {
        ...{ row: 0, judge: "a", of: "policy", against: "runs/ppo", verdict: "win" },
        answers: [{ first: "opponent", preferred: "own", text: "p0: first" }],
      },
      {
        ...{ row: 2, judge: "a", of: "policy", against: "runs/ppo", verdict: "tie" },
        answers: [{ first: "opponent", preferred: "tie", text: "p2: tie" }],
      },
    ]);
  });

  test("counts wins, ties as one half, and leaves out rows without a verdict", async () => {
    const policy = ["long", "s", "eq", "?"].map((text, i) => row(i, text));
    const sft = ["abc", "abc", "qe", "abc"].map((text, i) => row(i, text));
    const asked = pairings({ policy, sft }, new Map([["sft", sft]]));
    const judged = await judgeResponses(context(longer("a"), longer("b")), asked);
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

  test("SFT's responses are judged against references, after the policy's and against nothing else", async () => {
    const [policy, sft, reference] = [
      [row(0, "long"), row(1, "long")],
      [row(0, "sh"), row(1, "longer")],
      [row(0, "abc"), row(1, "abc")],
    ];
    const opponents = new Map(Object.entries({ reference, sft, ppo: reference }));
    const asked = pairings({ policy, sft }, opponents);
    expect(asked.map(({ of, against }) => `${of} ${against}`)).toEqual([
      ...["policy reference", "policy sft", "policy ppo", "sft reference"],
    ]);
    const rates = winRates(await judgeResponses(context(longer("a")), asked));
    expect(rates.map(({ of, against, winRate }) => [of, against, winRate.mean])).toEqual([
      ["policy", "reference", 1],
      ["policy", "sft", 0.5],
      ["policy", "ppo", 1],
      ["sft", "reference", 0.5],
    ]);
    expect(headlineWinRate(rates)).toMatchObject({ mean: 0.5, n: 2 });
    expect(headlineWinRate(rates.filter(({ against }) => against === "reference"))).toBeNull();
    // Nobody to ask about: no references, or no responses of SFT.
    expect(pairings({ policy, sft }, new Map([["reference", []]]))).toEqual([]);
    expect(pairings({ policy, sft: [] }, new Map([["reference", reference]])).map(({ of }) => of)).toEqual(["policy"]);
  });

  test("verdicts take the place of those of the same judge, model and opponent alone", () => {
    const line = (of: JudgedRow["of"], verdict: JudgedRow["verdict"]): JudgedRow => ({
      ...{ row: 0, judge: "a", of, against: "reference", verdict, answers: [] },
    });
    const before = [line("policy", "win"), line("sft", "loss")];
    expect(mergeVerdicts(before, [line("sft", "tie")])).toEqual([line("policy", "win"), line("sft", "tie")]);
    expect(mergeVerdicts(before, [line("policy", "tie")])).toEqual([line("policy", "tie"), line("sft", "loss")]);
  });

  test("asks no judge where there is none", async () => {
    const asked = pairings({ policy: [row(0, "a")], sft: [] }, new Map([["sft", [row(0, "b")]]]));
    expect(await judgeResponses(context(), asked)).toEqual([]);
    expect(winRates([])).toEqual([]);
  });
});

test("agreement is over the rows on which both judges have a verdict, for each model and opponent", () => {
  const verdict = (
    judge: string,
    against: string,
    row: number,
    given: JudgedRow["verdict"],
    of: JudgedRow["of"] = "policy",
  ): JudgedRow => ({ row, judge, of, against, verdict: given, answers: [] });
  const judged = [
    ...(["win", "loss", "tie", null] as const).map((given, i) => verdict("a", "sft", i, given)),
    ...(["win", "win", "tie", "win"] as const).map((given, i) => verdict("b", "sft", i, given)),
    verdict("a", "reference", 0, "win"),
    verdict("b", "reference", 0, null),
    verdict("a", "reference", 0, "loss", "sft"),
    verdict("b", "reference", 0, "loss", "sft"),
  ];
  const [sft, reference, ofSft] = judgeAgreement(judged);
  expect(sft).toMatchObject({ of: "policy", against: "sft", share: { mean: 2 / 3, n: 3 } });
  // Expected by chance: (1/3)(2/3) + (1/3)(0) + (1/3)(1/3) = 1/3.
  expect(sft!.kappa).toBeCloseTo(0.5, 12);
  expect(reference).toMatchObject({ of: "policy", share: { n: 0 }, kappa: null });
  expect(ofSft).toMatchObject({ of: "sft", against: "reference", share: { mean: 1, n: 1 } });
});
