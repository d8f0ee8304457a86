import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, DivergedError, FencedOffError, NotOnServerError } from "../../src/errors.js";
import type { Loss } from "../../src/ports/trainer.js";
import { accumulate, ADAMW, connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

const ROWS = [
  { tokens: [0, 1, 2, 3], spanStart: 1, spanLength: 3 },
  { tokens: [2, 2], spanStart: 1, spanLength: 1 },
];

describe("forward", () => {
  test("many outputs of several models, each in its layout", async () => {
    const { models, trainer } = connection.server;
    const policy = await models.createModel(tinyModel({ name: "policy" }));
    const critic = await models.createModel(tinyModel({ name: "critic", head: "scalar" }));
    const [logprobs, hot, entropy, values, scores] = await trainer.forward({ rows: ROWS }, [
      { model: policy, output: "logprobs" },
      { model: policy, output: "logprobs", temperature: 2 },
      { model: policy, output: "entropy" },
      { model: critic, output: "values" },
      { model: critic, output: "scores" },
    ]);
    const exact = connection.testbed.policy("run-1", "policy");
    expect(logprobs![0]).toBeCloseTo(exact([0])[1]!, 6);
    expect(logprobs![2]).toBeCloseTo(exact([0, 1, 2])[3]!, 6);
    expect(logprobs![3]).toBeCloseTo(exact([2])[2]!, 6);
    expect(hot).not.toEqual(logprobs);
    expect(entropy![0]).toBeCloseTo(-exact([0]).reduce((sum, logprob) => sum + Math.exp(logprob) * logprob, 0), 6);
    const scalar = connection.testbed.scalar("run-1", "critic");
    [[0], [0, 1], [0, 1, 2], [2]].forEach((state, i) => expect(values![i]).toBeCloseTo(scalar(state), 6));
    ROWS.forEach(({ tokens }, i) => expect(scores![i]).toBeCloseTo(scalar(tokens), 6));
  });

  test("a kept batch can be named again, until it is released", async () => {
    const { models, trainer } = connection.server;
    const model = await models.createModel(tinyModel({ name: "policy" }));
    const outputs = [{ model, output: "logprobs" }] as const;
    const sent = await trainer.forward({ rows: ROWS, keepAs: "iteration-1" }, outputs);
    expect(await trainer.forward({ keptBatchId: "iteration-1" }, outputs)).toEqual(sent);
    const loss = { kind: "linear", output: "logprobs", coefficients: [1, 1, 1, 1] } as const;
    const { losses } = await trainer.forwardBackward({ keptBatchId: "iteration-1" }, [{ model, loss }]);
    expect(losses[0]!.outputs).toEqual(sent[0]);
    await trainer.release(["iteration-1"]);
    await expect(trainer.forward({ keptBatchId: "iteration-1" }, outputs)).rejects.toThrow(NotOnServerError);
  });

  test("an output that the head does not have", async () => {
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    const call = connection.server.trainer.forward({ rows: ROWS }, [{ model, output: "scores" }]);
    await expect(call).rejects.toThrow(BadInputError);
  });
});

describe("gradients and steps", () => {
  test("every loss travels and is computed as written", async () => {
    const { models, trainer } = connection.server;
    const policy = await models.createModel(tinyModel({ name: "policy" }));
    const critic = await models.createModel(tinyModel({ name: "critic", head: "scalar" }));
    const ones = [1, 1, 1, 1];
    const [logprobs, values, scores] = await trainer.forward({ rows: ROWS }, [
      { model: policy, output: "logprobs" },
      { model: critic, output: "values" },
      { model: critic, output: "scores" },
    ]);
    const { losses } = await trainer.forwardBackward({ rows: ROWS }, [
      { model: policy, loss: { kind: "crossEntropy", weights: ones } },
      {
        model: policy,
        loss: {
          kind: "clippedSurrogate",
          oldLogprobs: logprobs!,
          advantages: [1, 2, 3, 4],
          weights: ones,
          clipLow: 0.2,
          clipHigh: 0.2,
        },
      },
      { model: policy, loss: { kind: "kl", referenceLogprobs: [-1, -1, -1, -1], weights: ones, estimator: "k1" } },
      { model: policy, loss: { kind: "kl", referenceLogprobs: [-1, -1, -1, -1], weights: ones, estimator: "k2" } },
      { model: policy, loss: { kind: "kl", referenceLogprobs: [-1, -1, -1, -1], weights: ones, estimator: "k3" } },
      { model: policy, loss: { kind: "linear", output: "logprobs", coefficients: [1, 2, 3, 4] } },
      {
        model: critic,
        loss: { kind: "clippedValue", oldValues: values!, returns: [1, 1, 1, 1], weights: ones, clipRange: 0 },
      },
      { model: critic, loss: { kind: "squaredError", output: "scores", targets: [1, 1], weights: [1, 1] } },
      { model: critic, loss: { kind: "bradleyTerry", preferredRows: [0], rejectedRows: [1], weights: [2] } },
      { model: critic, loss: { kind: "rankedGroup", groupSizes: [2], ratings: [5, 3], weights: [2] } },
      {
        model: policy,
        loss: {
          kind: "dpo",
          referenceLogprobs: [-1, -1, -1, -1],
          preferredRows: [0],
          rejectedRows: [1],
          weights: [2],
          beta: 0.5,
          labelSmoothing: 0.25,
        },
      },
      {
        model: policy,
        loss: {
          kind: "logRatioDifference",
          baseLogprobs: [-1, -1, -1, -1],
          firstRows: [0],
          secondRows: [1],
          targets: [3],
          weights: [2],
        },
      },
    ]);
    const sum = (terms: readonly number[]) => terms.reduce((total, term) => total + term, 0);
    const d = logprobs!.map((logprob) => logprob + 1);
    const margin = scores![0]! - scores![1]!;
    const ratioMargin = d[0]! + d[1]! + d[2]! - d[3]!;
    const expected = [
      -sum(logprobs!),
      -10,
      sum(d),
      sum(d.map((x) => x ** 2 / 2)),
      sum(d.map((x) => Math.exp(-x) - 1 + x)),
      sum(logprobs!.map((logprob, i) => logprob * (i + 1))),
      sum(values!.map((value) => (value - 1) ** 2 / 2)),
      sum(scores!.map((score) => (score - 1) ** 2 / 2)),
      2 * Math.log(1 + Math.exp(-margin)),
      2 * Math.log(1 + Math.exp(-margin)),
      1.5 * Math.log(1 + Math.exp(-0.5 * ratioMargin)) + 0.5 * Math.log(1 + Math.exp(0.5 * ratioMargin)),
      (ratioMargin - 3) ** 2,
    ];
    expected.forEach((loss, i) => expect(losses[i]!.loss).toBeCloseTo(loss, 5));
    expect(losses[0]!.outputs).toEqual(logprobs);
    expect(losses[7]!.outputs).toEqual(scores);
  });

  test("a step uses the gradients named, no more and no fewer", async () => {
    const { models, trainer } = connection.server;
    const model = await models.createModel(tinyModel({ name: "policy" }));
    const before = connection.testbed.policy("run-1", "policy")([0]).map(Math.exp);
    const first = await accumulate(connection, model);
    const second = await accumulate(connection, model);
    const step = (requestIds: string[]) =>
      trainer.optimizerStep({ model, requestIds, adamw: ADAMW, maxGradientNorm: 0 });
    await expect(step([first.requestId])).rejects.toThrow(FencedOffError);
    await expect(step([])).rejects.toThrow(FencedOffError);
    const { gradientNorm } = await step([second.requestId, first.requestId]);
    // -ln p_1 has the gradient p - e_1, twice.
    expect(gradientNorm).toBeCloseTo(2 * Math.hypot(...before.map((p, token) => p - (token === 1 ? 1 : 0))), 10);
  });

  test("a gradient that is not finite stops the run", async () => {
    const { models, trainer } = connection.server;
    const model = await models.createModel(tinyModel({ name: "policy" }));
    const { requestId } = await trainer.forwardBackward({ rows: ROWS }, [
      { model, loss: { kind: "linear", output: "logprobs", coefficients: [NaN, 0, 0, 0] } },
    ]);
    const step = trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 1 });
    await expect(step).rejects.toThrow(DivergedError);
  });

  const dpo = {
    kind: "dpo",
    referenceLogprobs: [-1, -1, -1, -1],
    preferredRows: [0],
    rejectedRows: [1],
    weights: [1],
    beta: 0.1,
    labelSmoothing: 0,
  } as const;
  const logRatioDifference = {
    kind: "logRatioDifference",
    baseLogprobs: [-1, -1, -1, -1],
    firstRows: [0],
    secondRows: [1],
    targets: [1],
    weights: [1],
  } as const;

  test.each<Loss>([
    { kind: "crossEntropy", weights: [1] },
    { ...dpo, referenceLogprobs: [-1] },
    { ...dpo, preferredRows: [0, 1] },
    { ...dpo, rejectedRows: [2] },
    { ...dpo, rejectedRows: [0] },
    { ...dpo, beta: 0 },
    { ...dpo, labelSmoothing: 0.6 },
    { ...logRatioDifference, baseLogprobs: [-1] },
    { ...logRatioDifference, targets: [1, 2] },
    { ...logRatioDifference, weights: [] },
    { ...logRatioDifference, firstRows: [5] },
    { ...logRatioDifference, secondRows: [0] },
  ])("a loss that does not fit the batch, or says what no loss can mean: %j", async (loss) => {
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    const call = connection.server.trainer.forwardBackward({ rows: ROWS }, [{ model, loss }]);
    await expect(call).rejects.toThrow(BadInputError);
  });
});
