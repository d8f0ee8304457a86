import { expect, test } from "@jest/globals";
import type { ModelHandle } from "../../src/domain/model.js";
import type { Rollout } from "../../src/domain/rollout.js";
import { collectRollouts } from "../../src/drpo/collect-rollouts.js";
import { referenceAhead } from "../../src/drpo/reference-ahead.js";
import { scoreAhead } from "../../src/drpo/score-ahead.js";
import type { Scorer } from "../../src/drpo/score-rollouts.js";
import type { Continuation, PlacedContinuation, Sampler } from "../../src/ports/sampler.js";
import type { Trainer } from "../../src/ports/trainer.js";

const version = { generation: 1n, optimizerStep: 0n, weightsHash: "w" };
const policy: ModelHandle = { name: "policy", version };
const params = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [] };
const resets = [0, 1, 2, 3].map((row) => ({
  ...{ row, prompt: [1, 2], prefix: Array.from({ length: row }, (_, i) => 5 + i) },
  ...{ sourceId: null, maxNewTokens: 3 },
}));
const written = (row: number): Continuation => ({
  ...{ tokens: [10 + row, 20 + row], logprobs: [-1, -2], finishReason: "length", version },
});

/** Finishes the rows in the order given, in parts; what no part holds comes at the end. */
const samplerThat = (...parts: readonly (readonly number[])[]): Sampler => ({
  sample(_request, options) {
    for (const part of parts)
      options?.onSampled?.(
        part.map((row): PlacedContinuation => ({
          ...{ contextIndex: row, continuationIndex: 0, continuation: written(row) },
        })),
      );
    return Promise.resolve(resets.map(({ row }) => [written(row)]));
  },
  syncWeights: () => Promise.resolve(),
});
/** Scores are rows; every call is noted. */
const scorerThatNotes = (calls: number[][]): Scorer => ({
  score(rollouts) {
    calls.push(rollouts.map(({ reset }) => reset.row));
    return Promise.resolve(rollouts.map((rollout) => ({ ...rollout, score: rollout.reset.row })));
  },
});
const noise = { seed: 1, purpose: "rollout", iteration: 0 } as const;

test("what is finished early is scored with what it came with, the rest together, and all in their order", async () => {
  const calls: number[][] = [];
  const scorer = scoreAhead(scorerThatNotes(calls));
  const rollouts = await collectRollouts(samplerThat([3, 1], [0]), resets, {
    ...{ policy, params, noise },
    onRollouts: (some) => scorer.begin!(some),
  });
  expect(calls).toEqual([[3, 1], [0]]);
  expect((await scorer.score(rollouts)).map(({ score }) => score)).toEqual([0, 1, 2, 3]);
  expect(calls).toEqual([[3, 1], [0], [2]]);
});

test("a failure of what was begun is a failure of the scores, and only of theirs", async () => {
  const failing: Scorer = { score: () => Promise.reject(new Error("no reward model")) };
  const scorer = scoreAhead(failing);
  const rollouts = await collectRollouts(samplerThat([0, 1, 2, 3]), resets, {
    ...{ policy, params, noise },
    onRollouts: (some) => scorer.begin!(some),
  });
  await expect(scorer.score(rollouts)).rejects.toThrow("no reward model");
});

test("log-probabilities of the reference are those of the response's end that is asked for, or none at all", async () => {
  const trainer: Pick<Trainer, "forward"> = {
    forward: (batch) =>
      Promise.resolve([
        "rows" in batch
          ? batch.rows.flatMap(({ tokens, spanStart, spanLength }) => tokens.slice(spanStart, spanStart + spanLength))
          : [],
      ]),
  };
  const ahead = referenceAhead(trainer, 1);
  const collected = (parts: readonly (readonly number[])[]): Promise<readonly Rollout[]> =>
    collectRollouts(samplerThat(...parts), resets, {
      ...{ policy, params, noise },
      onRollouts: (some) => ahead.begin(some, policy, {}),
    });
  const scored = (
    await collected([
      [2, 0],
      [3, 1],
    ])
  ).map((rollout) => ({ ...rollout, score: 1 }));
  expect(await ahead.logprobs(scored, () => 0)).toEqual([0, 1, 2, 3].map((row) => [10 + row, 20 + row]));
  expect((await ahead.logprobs(scored, ({ reset }) => reset.prefix.length))![2]).toEqual([5, 6, 12, 22]);
  expect(ahead.logprobs(await collected([[2, 0]]), () => 0)).toBeNull();
});
