import { expect, test } from "@jest/globals";
import type { TokenIds } from "../../src/domain/token-ids.js";
import { rewardFunctionScores, rewardModelScores } from "../../src/drpo/raw-scores.js";
import type { ScorableResponse } from "../../src/ports/reward-function.js";

const response = { prompt: [1], response: [2, 3], ended: true, sourceId: null };
const { signal } = new AbortController();

test("a reward model reads the response in its template", async () => {
  const seen: unknown[] = [];
  const model = { name: "reward-model", version: { generation: 1n, optimizerStep: 0n, weightsHash: "" } };
  const scores = rewardModelScores({
    model,
    template: (prompt, tokens) => [7, ...prompt, ...tokens],
    rewardModel: {
      score(...[named, rows, options]) {
        seen.push(named, rows, options?.signal);
        return Promise.resolve(rows.map((row: TokenIds) => row.length));
      },
    },
  });
  expect(await scores([response], { signal })).toEqual([4]);
  expect(seen).toEqual([model, [[7, 1, 2, 3]], signal]);
});

test("a function reads the response with its texts", async () => {
  const withTexts = (all: readonly object[]) =>
    Promise.resolve(all.map((one) => ({ ...one, promptText: "x", responseText: "yy" }) as ScorableResponse));
  const seen: unknown[] = [];
  const fn = {
    dependsOn: null,
    score(...[responses, options]: [readonly ScorableResponse[], { signal?: AbortSignal | undefined }?]) {
      seen.push(responses, options?.signal);
      return Promise.resolve([0.5]);
    },
  };
  expect(await rewardFunctionScores(fn, withTexts)([response], { signal })).toEqual([0.5]);
  expect(seen).toEqual([[{ ...response, promptText: "x", responseText: "yy" }], signal]);
});
