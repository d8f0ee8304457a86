import { describe, expect, test } from "@jest/globals";
import { InterruptedError } from "../../src/errors.js";
import { connectModelServer } from "../../src/rpc/connect-model-server.js";
import { startTestbed } from "../../src/testbed/start-testbed.js";
import { everyContext } from "../../src/testbed/table.js";
import { type TabularModels, tabularModels } from "../../src/testbed/tabular-models.js";

const ADAMW = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 };
const ALL = { temperature: 0.8, topP: 1, topK: 0, stopTokenIds: [2] };
const SEEDS = [1n, 2n, 3n, 4n].map((seed) => seed << 40n);
const logits = (context: readonly number[]) => [0, 1, 2].map((token) => Math.sin(token + 2 * context.length));
const ROWS = [
  { tokens: [0, 1, 1], spanStart: 1, spanLength: 2 },
  { tokens: [0, 2], spanStart: 1, spanLength: 1 },
];
const LOSS = { kind: "linear", output: "logprobs", coefficients: [0.5, -1, 2] } as const;

const start = () => {
  const models = tabularModels();
  const policy = models.create({ name: "policy", head: "language-model", rule: everyContext(logits) });
  return { models, policy };
};

test("they are the testbed's server without a wire", async () => {
  const testbed = await startTestbed({ vocabulary: ["a", "b", "$"], contextTokens: 8, logits });
  const connection = await connectModelServer({
    ...{ address: testbed.address, runId: "run", base: "testbed:tiny", silenceTimeoutMs: 60_000 },
  });
  const { models, trainer, sampler } = connection.server;
  const remote = await models.createModel({
    ...{ name: "policy", base: "testbed:tiny", shape: { kind: "full" }, head: "language-model" },
    ...{ trainable: true, seed: 1n },
  });
  const local = start();
  const walk = async (ports: Pick<TabularModels, "trainer" | "sampler">, model: typeof remote) => {
    const gradients = await ports.trainer.forwardBackward({ rows: ROWS, keepAs: "rows" }, [{ model, loss: LOSS }]);
    const stepped = await ports.trainer.optimizerStep({
      ...{ model, requestIds: [gradients.requestId], adamw: ADAMW, maxGradientNorm: 0.5 },
    });
    const outputs = [
      { model: stepped.model, output: "logprobs", temperature: 0.8 },
      { model: stepped.model, output: "entropy" },
    ] as const;
    const forward = await ports.trainer.forward({ keptBatchId: "rows" }, outputs);
    const contexts = [{ tokens: [0], maxNewTokens: 4, firstPosition: 0, seeds: SEEDS }];
    const [written] = await ports.sampler.sample({ model: stepped.model, contexts, params: ALL });
    return {
      losses: gradients.losses,
      gradientNorm: stepped.gradientNorm,
      forward,
      written: written!.map(({ tokens, finishReason }) => ({ tokens, finishReason })),
    };
  };
  const [here, there] = [await walk(local.models, local.policy), await walk({ trainer, sampler }, remote)];
  expect(here.written).toEqual(there.written);
  expect(here.gradientNorm).toBeCloseTo(there.gradientNorm, 6);
  for (const [i, numbers] of here.forward.entries()) {
    // The wire has 32-bit numbers.
    numbers.forEach((x, j) => expect(x).toBeCloseTo(there.forward[i]![j]!, 6));
  }
  connection.close();
  await testbed.close();
});

describe("gradients", () => {
  test("add up until they are discarded, and move nothing", async () => {
    const { models, policy } = start();
    const before = models.policy("policy")([0]);
    await models.trainer.forwardBackward({ rows: ROWS }, [{ model: policy, loss: LOSS }]);
    const once = [...models.gradients("policy").get("0")!.gradients];
    await models.trainer.forwardBackward({ rows: ROWS }, [{ model: policy, loss: LOSS }]);
    models
      .gradients("policy")
      .get("0")!
      .gradients.forEach((slope, i) => expect(slope).toBeCloseTo(2 * once[i]!, 12));
    models.discardGradients("policy");
    expect(models.gradients("policy").size).toBe(0);
    expect(models.policy("policy")([0])).toEqual(before);
    const again = await models.trainer.forwardBackward({ rows: ROWS }, [{ model: policy, loss: LOSS }]);
    expect(models.gradients("policy").get("0")!.gradients).toEqual(once);
    await models.trainer.optimizerStep({
      model: policy,
      requestIds: [again.requestId],
      adamw: ADAMW,
      maxGradientNorm: 0,
    });
    expect(models.policy("policy")([0])).not.toEqual(before);
  });

  test("of a call that fails are not added", async () => {
    const { models, policy } = start();
    const critic = models.create({ name: "critic", head: "scalar", rule: everyContext(() => [0]) });
    const short = { kind: "squaredError", output: "values", targets: [1], weights: [1] } as const;
    await expect(
      models.trainer.forwardBackward({ rows: ROWS }, [
        { model: policy, loss: LOSS },
        { model: critic, loss: short },
      ]),
    ).rejects.toThrow("targets has 1 numbers, not 3");
    expect(models.gradients("policy").size).toBe(0);
  });
});

describe("what the server refuses", () => {
  test("an older version", async () => {
    const { models, policy } = start();
    const { requestId } = await models.trainer.forwardBackward({ rows: ROWS }, [{ model: policy, loss: LOSS }]);
    const stepped = await models.trainer.optimizerStep({
      ...{ model: policy, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 },
    });
    expect(stepped.model.version.optimizerStep).toBe(1n);
    const contexts = [{ tokens: [0], maxNewTokens: 1, firstPosition: 0, seeds: SEEDS }];
    await expect(models.sampler.sample({ model: policy, contexts, params: ALL })).rejects.toThrow("not at the version");
    await expect(models.sampler.sample({ model: stepped.model, contexts, params: ALL })).resolves.toHaveLength(1);
  });

  test("to train a frozen copy, which stays as it was", async () => {
    const { models, policy } = start();
    const reference = models.copy(policy, { name: "reference", trainable: false });
    const both = [policy, reference].map((model) => ({ model, loss: LOSS }));
    await expect(models.trainer.forwardBackward({ rows: ROWS }, both)).rejects.toThrow("reference is frozen");
    const { requestId } = await models.trainer.forwardBackward({ rows: ROWS }, [both[0]!]);
    await models.trainer.optimizerStep({ model: policy, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 });
    const [moved, kept] = [models.policy("policy")([0]), models.policy("reference")([0])];
    expect(moved).not.toEqual(kept);
    expect(kept).toEqual(start().models.policy("policy")([0]));
  });

  test("a head's missing output, an unknown batch, other requests, a second model of a name", async () => {
    const { models, policy } = start();
    await expect(models.trainer.forward({ rows: ROWS }, [{ model: policy, output: "values" }])).rejects.toThrow(
      "no values",
    );
    await expect(models.trainer.forward({ keptBatchId: "x" }, [{ model: policy, output: "logprobs" }])).rejects.toThrow(
      "x",
    );
    const step = { model: policy, requestIds: ["other"], adamw: ADAMW, maxGradientNorm: 0 };
    await expect(models.trainer.optimizerStep(step)).rejects.toThrow("the step expects [other]");
    expect(() => models.create({ name: "policy", head: "scalar", rule: everyContext(() => [0]) })).toThrow(RangeError);
  });

  test("to go on when the caller wants no more", async () => {
    const { models, policy } = start();
    const options = { signal: AbortSignal.abort() };
    await expect(models.sampler.sample({ model: policy, contexts: [], params: ALL }, options)).rejects.toThrow(
      InterruptedError,
    );
    await expect(models.trainer.forward({ rows: ROWS }, [], options)).rejects.toThrow(InterruptedError);
  });
});
