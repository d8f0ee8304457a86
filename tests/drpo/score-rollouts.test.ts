import { describe, expect, test } from "@jest/globals";
import type { Rollout } from "../../src/domain/rollout.js";
import type { RawScores } from "../../src/drpo/raw-scores.js";
import { scoredResponse, sumOfTerms, sumScorer, UNSCALED, type ScorerOptions } from "../../src/drpo/score-rollouts.js";
import type { ResponseInTokens } from "../../src/ports/reward-function.js";

const EOS = 9;

/** A budget of four tokens, one of them used up by the prefix. */
const rollout = (...generated: number[]): Rollout => ({
  reset: { row: 0, prompt: [1, 2], prefix: [3], sourceId: "s", maxNewTokens: 3 },
  continuation: 0,
  generated,
  samplerLogprobs: generated.map(() => -1),
  finishReason: "length",
  version: { generation: 1n, optimizerStep: 0n, weightsHash: "" },
});

/** Scores a response by its sum of tokens, and keeps what it was asked about. */
function summing(): { readonly rawScores: RawScores; readonly asked: ResponseInTokens[] } {
  const asked: ResponseInTokens[] = [];
  const rawScores: RawScores = (responses, options) => {
    asked.push(...responses);
    options?.onProgress?.(responses.length, responses.length);
    return Promise.resolve(responses.map(({ response }) => response.reduce((sum, token) => sum + token, 0)));
  };
  return { rawScores, asked };
}

const scoresOf = async (rollouts: readonly Rollout[], options: ScorerOptions = {}) => {
  const terms = [{ weight: 1, scale: UNSCALED, rawScores: summing().rawScores }];
  const scored = await sumScorer(terms, { endTokenIds: [EOS], ...options }).score(rollouts);
  return scored.map(({ score }) => score);
};

describe("what is scored of a rollout", () => {
  const base = { prompt: [1, 2], sourceId: "s" };
  test.each([
    ["ends by itself", [4, EOS], { response: [3, 4, EOS], ended: true }],
    ["goes on after its end", [4, EOS, 5], { response: [3, 4, EOS], ended: true }],
    ["goes on to a second end", [EOS, 5, EOS], { response: [3, EOS], ended: true }],
    ["is cut off", [4, 5, 6], { response: [3, 4, 5, 6], ended: false }],
  ])("that %s", (_what, generated, expected) => {
    expect(scoredResponse(rollout(...generated), [EOS])).toEqual({ ...base, ...expected });
  });

  test.each([
    ["ends with the first of two end tokens", [4, 9], { response: [3, 4, 9], ended: true }],
    ["goes on to the other one", [4, 9, EOS, 5], { response: [3, 4, 9], ended: true }],
    ["ends with the second", [4, EOS, 9], { response: [3, 4, EOS], ended: true }],
  ])("that %s", (_what, generated, expected) => {
    expect(scoredResponse(rollout(...generated), [EOS, 9])).toEqual({ ...base, ...expected });
  });

  test("an end of sequence in the prefix is none of the policy's", () => {
    const one = rollout(4, 5);
    const cut = { ...one, reset: { ...one.reset, prefix: [EOS] } };
    expect(scoredResponse(cut, [EOS])).toMatchObject({ response: [EOS, 4, 5], ended: false });
  });
});

describe("a missing end of sequence", () => {
  const [early, last, none] = [rollout(EOS, 4, 4), rollout(4, 4, EOS), rollout(4, 4, 4)];

  test("changes nothing unless it has a score of its own", async () => {
    expect(await scoresOf([early, last, none], { endMustPrecedeLast: true })).toEqual([12, 20, 15]);
  });

  test("has that score", async () => {
    expect(await scoresOf([early, last, none], { missingEosScore: -1 })).toEqual([12, 20, -1]);
    expect(await scoresOf([early, last, none], { missingEosScore: 0 })).toEqual([12, 20, 0]);
  });

  test("is also one that is the last token of the budget, where the end must come before", async () => {
    const options = { missingEosScore: -1, endMustPrecedeLast: true };
    expect(await scoresOf([early, last, none], options)).toEqual([12, -1, -1]);
  });
});

describe("a sum of terms", () => {
  const responses = [scoredResponse(rollout(4), [EOS]), scoredResponse(rollout(6), [EOS])];

  test("weighs each term in its own units", async () => {
    const [first, second] = [summing(), summing()];
    const sums = await sumOfTerms(
      [
        { weight: 2, scale: { mean: 7, standardDeviation: 4 }, rawScores: first.rawScores },
        { weight: -1, scale: UNSCALED, rawScores: second.rawScores },
      ],
      responses,
    );
    // Raw: 7 and 9.
    expect(sums).toEqual([0 - 7, 1 - 9]);
    expect(first.asked).toEqual(responses);
    expect(second.asked).toEqual(responses);
  });

  test("is the score alone, to the bit, where there is one term of weight 1", async () => {
    const scale = { mean: 0.1, standardDeviation: 0.3 };
    const [score] = await sumOfTerms([{ weight: 1, scale, rawScores: () => Promise.resolve([0.7, 0]) }], responses);
    expect(score).toBe((0.7 - 0.1) / 0.3);
  });

  test("shares progress and passes the signal on", async () => {
    const steps: number[][] = [];
    const { signal } = new AbortController();
    const signals: unknown[] = [];
    const rawScores: RawScores = (all, options) => {
      signals.push(options?.signal);
      options?.onProgress?.(1, 2);
      options?.onProgress?.(2, 2);
      return Promise.resolve(all.map(() => 0));
    };
    const term = { weight: 1, scale: UNSCALED, rawScores };
    await sumOfTerms([term, term], responses, { signal, onProgress: (...step) => steps.push(step) });
    expect(steps).toEqual([
      [0.5, 2],
      [1, 2],
      [1.5, 2],
      [2, 2],
    ]);
    expect(signals).toEqual([signal, signal]);
  });
});
