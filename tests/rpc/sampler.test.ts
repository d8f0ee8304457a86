import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ModelHandle } from "../../src/domain/model.js";
import { connectToTestbed, EOS, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
let model: ModelHandle;
beforeEach(async () => {
  connection = await connectToTestbed();
  model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
});
afterEach(() => connection.end());

const params = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [EOS] };
const context = (tokens: number[], firstPosition: number, seeds: bigint[]) => ({
  tokens,
  firstPosition,
  seeds,
  maxNewTokens: 6 - firstPosition,
});

test("continuations come back where they were asked for, whatever order they finish in", async () => {
  const contexts = [context([0], 0, [1n, 2n, 3n, 4n]), context([1, 2], 0, []), context([2], 0, [(1n << 64n) - 1n])];
  const together = await connection.server.sampler.sample({ model, contexts, params });
  expect(together.map((continuations) => continuations.length)).toEqual([4, 0, 1]);
  for (const [i, { tokens, seeds }] of contexts.entries()) {
    for (const [j, seed] of seeds.entries()) {
      const alone = await connection.server.sampler.sample({ model, contexts: [context(tokens, 0, [seed])], params });
      expect(together[i]?.[j]).toEqual(alone[0]?.[0]);
    }
  }
});

test("a rollout says how it ended, who wrote it, and its log-probabilities are the trainer's", async () => {
  const seeds = Array.from({ length: 20 }, (_, i) => BigInt(i));
  const [rollouts] = await connection.server.sampler.sample({ model, contexts: [context([0], 0, seeds)], params });
  for (const { tokens, logprobs, finishReason, version } of rollouts!) {
    expect(finishReason).toBe(tokens.at(-1) === EOS ? "stop" : "length");
    expect(version).toEqual(model.version);
    const row = { tokens: [0, ...tokens], spanStart: 1, spanLength: tokens.length };
    const [recomputed] = await connection.server.trainer.forward({ rows: [row] }, [{ model, output: "logprobs" }]);
    expect(logprobs).toEqual(recomputed);
  }
  expect(new Set(rollouts!.map(({ finishReason }) => finishReason))).toEqual(new Set(["stop", "length"]));
});

test("noise belongs to a position: a prefix of a rollout is continued as the rollout went on", async () => {
  const write = async (tokens: number[], firstPosition: number) => {
    const request = {
      model,
      contexts: [context(tokens, firstPosition, [7n])],
      params: { ...params, stopTokenIds: [] },
    };
    return (await connection.server.sampler.sample(request))[0]![0]!.tokens;
  };
  const whole = await write([0], 0);
  expect(await write([0, ...whole.slice(0, 2)], 2)).toEqual(whole.slice(2));
});

test("syncing weights is accepted", async () => {
  await connection.server.sampler.syncWeights(model);
});
