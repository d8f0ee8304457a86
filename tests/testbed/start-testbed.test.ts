import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { connectModelServer } from "../../src/rpc/connect-model-server.js";
import { createFolderStore } from "../../src/testbed/checkpoint-store.js";
import { enumerateResponses } from "../../src/testbed/enumerate-responses.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import { returnGradient } from "../../src/testbed/return-gradient.js";
import { startTestbed, type TestbedOptions } from "../../src/testbed/start-testbed.js";

const VOCABULARY = ["a", "b", "$"];
const TREE = { context: [0], maxNewTokens: 3, eosTokenId: 2 };
const ADAMW = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
const MODEL = {
  name: "policy",
  base: "testbed:study",
  shape: { kind: "full" },
  head: "language-model",
  trainable: true,
  seed: 1n,
} as const;
const score = ({ tokens }: { readonly tokens: readonly number[] }) => tokens.filter((token) => token === 1).length;

const start = async (options: Partial<TestbedOptions> = {}) => {
  const testbed = await startTestbed({ vocabulary: VOCABULARY, contextTokens: 8, ...options });
  const connection = await connectModelServer({
    address: testbed.address,
    runId: "study",
    base: "testbed:study",
    silenceTimeoutMs: 60_000,
  });
  const end = async () => {
    connection.close();
    await testbed.close();
  };
  return { testbed, ...connection.server, end };
};

test("the score-function gradient over all responses is the exact gradient of the return", async () => {
  const { testbed, models, trainer, end } = await start({ logits: (context) => [0.1, -0.2 * context.length, 0.3] });
  const model = await models.createModel(MODEL);
  const policy = testbed.policy("study", "policy");
  const responses = [...enumerateResponses(policy, TREE)];
  const rows = responses.map(({ row, tokens }) => ({ tokens: row, spanStart: 1, spanLength: tokens.length }));
  const coefficients = responses.flatMap((response) =>
    response.tokens.map(() => Math.exp(response.logprob) * score(response)),
  );
  await trainer.forwardBackward({ rows }, [{ model, loss: { kind: "linear", output: "logprobs", coefficients } }]);
  const exact = returnGradient(policy, TREE, score);
  const accumulated = testbed.gradients("study", "policy");
  expect([...accumulated.keys()].sort()).toEqual([...exact.keys()].sort());
  for (const [key, { gradients }] of exact) {
    gradients.forEach((slope, i) => expect(accumulated.get(key)!.gradients[i]).toBeCloseTo(slope, 6));
  }
  await end();
});

test("ascending it raises the exact return towards its maximum", async () => {
  const { testbed, models, trainer, end } = await start();
  let model = await models.createModel(MODEL);
  const policy = testbed.policy("study", "policy");
  const before = expectedReturn(policy, TREE, score);
  for (let i = 0; i < 60; i++) {
    const responses = [...enumerateResponses(policy, TREE)];
    const rows = responses.map(({ row, tokens }) => ({ tokens: row, spanStart: 1, spanLength: tokens.length }));
    const coefficients = responses.flatMap((response) =>
      response.tokens.map(() => -Math.exp(response.logprob) * score(response)),
    );
    const { requestId } = await trainer.forwardBackward({ rows }, [
      { model, loss: { kind: "linear", output: "logprobs", coefficients } },
    ]);
    ({ model } = await trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 }));
  }
  expect(expectedReturn(policy, TREE, score)).toBeGreaterThan(before + 1.5);
  await end();
});

test("the frequencies of many rollouts are the exact probabilities", async () => {
  const { testbed, models, sampler, end } = await start({ logits: (context) => [0.4, 0.2 * context.length, -0.3] });
  const model = await models.createModel(MODEL);
  const seeds = Array.from({ length: 5000 }, (_, i) => BigInt(i) << 20n);
  const [rollouts] = await sampler.sample({
    model,
    contexts: [{ tokens: TREE.context, maxNewTokens: TREE.maxNewTokens, firstPosition: 0, seeds }],
    params: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [TREE.eosTokenId] },
  });
  for (const { tokens, logprob } of enumerateResponses(testbed.policy("study", "policy"), TREE)) {
    const share = rollouts!.filter((rollout) => rollout.tokens.join() === tokens.join()).length / seeds.length;
    const deviation = Math.sqrt((Math.exp(logprob) * (1 - Math.exp(logprob))) / seeds.length);
    expect(Math.abs(share - Math.exp(logprob))).toBeLessThan(4.5 * deviation);
  }
  await end();
});

test("contexts can share their weights by their last tokens", async () => {
  const { testbed, models, trainer, end } = await start({ memoryTokens: 1, logits: ([last]) => [last!, 0, 0] });
  const model = await models.createModel(MODEL);
  const policy = testbed.policy("study", "policy");
  const before = policy([1]);
  expect(policy([0, 0, 1])).toEqual(before);
  const rows = [{ tokens: [0, 1, 0], spanStart: 2, spanLength: 1 }];
  const { requestId } = await trainer.forwardBackward({ rows }, [
    { model, loss: { kind: "crossEntropy", weights: [1] } },
  ]);
  await trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 });
  expect(policy([0, 1])[0]).toBeGreaterThan(before[0]!);
  expect(policy([2, 2, 1])).toEqual(policy([0, 1]));
  await end();
});

test("a second testbed on the same folder has the first one's checkpoints", async () => {
  const folder = mkdtempSync(join(tmpdir(), "drpo-testbed-"));
  const first = await start({ store: createFolderStore(folder) });
  const model = await first.models.createModel(MODEL);
  const saved = await first.models.saveCheckpoint({ uri: "checkpoints/1", models: [model], withOptimizerState: true });
  await first.end();
  const second = await start({ store: createFolderStore(folder) });
  const [restored] = await second.models.restoreCheckpoint(saved, []);
  expect(restored!.version.weightsHash).toBe(model.version.weightsHash);
  expect(restored!.version.generation).toBe(model.version.generation + 1n);
  await second.end();
  rmSync(folder, { recursive: true });
});
