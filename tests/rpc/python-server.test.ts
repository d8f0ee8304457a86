import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  BadInputError,
  CorruptStateError,
  EnvironmentError,
  FencedOffError,
  InterruptedError,
  NotOnServerError,
} from "../../src/errors.js";
import type { CreateModel } from "../../src/ports/model-store.js";
import type { BatchRow } from "../../src/ports/trainer.js";
import { connectModelServer, type ModelServerConnection } from "../../src/rpc/connect-model-server.js";
import { probeModelServer } from "../../src/rpc/probe-model-server.js";
import { type LocalServer, startLocalServer } from "../../src/server/local-server.js";
import { evaluateLoss } from "../../src/testbed/losses.js";
import { startBreakingProxy } from "./breaking-proxy.js";

const PYTHON = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const ADAMW = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
const ROWS: readonly BatchRow[] = [
  { tokens: [5, 6, 7, 8, 0], spanStart: 2, spanLength: 3 },
  { tokens: [9, 10, 11], spanStart: 1, spanLength: 2 },
];

/** A folder as the server writes one. @param as what the manifest calls the file, if not by its name */
const writeStoredFolder = (folder: string, contents: Readonly<Record<string, Buffer>>, as?: string): void => {
  mkdirSync(folder, { recursive: true });
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(join(folder, name), content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    files[as ?? name] = { bytes: content.length, sha256 };
  }
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ format: "drpo-checkpoint/1", files }));
};

/** The ports against the real server, on a model of a few thousand weights. */
(existsSync(PYTHON) ? describe : describe.skip)("the Python server", () => {
  const folder = mkdtempSync(join(tmpdir(), "drpo-python-server-"));
  const base = join(folder, "tiny");
  let local: LocalServer;
  let connection: ModelServerConnection;

  const start = () =>
    startLocalServer({
      options: {
        python: PYTHON,
        port: 0,
        threads: 1,
        device: "cpu",
        dtype: "float32",
        tokenBudget: 64,
        startTimeoutMs: 120_000,
      },
      checkpointRoot: join(folder, "checkpoints"),
      stageRoot: join(folder, "stages"),
      logFile: join(folder, "server.log"),
    });
  const connect = (runId = "run-1") => connectModelServer({ ...local, runId, base, silenceTimeoutMs: 60_000 });
  const model = (name: string, changes: Partial<CreateModel> = {}): CreateModel => ({
    name,
    base,
    shape: { kind: "lora", rank: 4, alpha: 8, targetModules: [], lastBlocks: 2 },
    head: "language-model",
    trainable: true,
    seed: 7n,
    ...changes,
  });

  beforeAll(async () => {
    execFileSync(PYTHON, [fileURLToPath(new URL("write-tiny-base.py", import.meta.url)), base]);
    local = await start();
    connection = await connect();
  }, 180_000);
  afterAll(async () => {
    connection?.close();
    await local?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("says what it is, and refuses a wrong token", async () => {
    expect(connection.info).toMatchObject({
      device: "cpu",
      computeThreads: 1,
      engine: expect.stringContaining("torch"),
    });
    expect(connection.info.memoryTotalBytes).toBeGreaterThan(0);
    const probe = await probeModelServer({ ...local, silenceTimeoutMs: 60_000 });
    expect(probe.info.instanceId).toBe(connection.info.instanceId);
    probe.close();
    const refused = probeModelServer({ address: local.address, token: "wrong", silenceTimeoutMs: 60_000 });
    await expect(refused).rejects.toThrow(EnvironmentError);
  });

  test("tokenizer", async () => {
    const { tokenizer } = connection.server;
    expect(await tokenizer.info()).toMatchObject({ eosTokenId: 0, vocabularySize: 32, contextTokens: 64 });
    const rows = await tokenizer.tokenize(["w1 w2 w29", "", [{ text: "w3 <eos>", specialTokens: true }]]);
    expect(rows).toEqual([[3, 4, 31], [], [5, 0]]);
    expect(await tokenizer.detokenize([[3, 4, 0]])).toEqual(["w1 w2"]);
  });

  test("chat template", async () => {
    const withTemplate = join(folder, "chat");
    cpSync(base, withTemplate, { recursive: true });
    const template =
      "{% for m in messages %}{{ m.role }} {{ m.content }} <eos> {% endfor %}{% if add_generation_prompt %}assistant{% endif %}";
    writeFileSync(join(withTemplate, "chat_template.jinja"), template);
    const chats = [[{ role: "user", content: "w1" }], [{ role: "user", content: "w2" }]] as const;
    const other = await connectModelServer({ ...local, runId: "chat", base: withTemplate, silenceTimeoutMs: 60_000 });
    expect(await other.server.tokenizer.applyChatTemplate(chats, { now: new Date(0) })).toEqual([
      { text: "user w1 <eos> assistant", tokens: [1, 3, 0, 1] },
      { text: "user w2 <eos> assistant", tokens: [1, 4, 0, 1] },
    ]);
    other.close();
    const refused = connection.server.tokenizer.applyChatTemplate(chats, { now: new Date(0) });
    await expect(refused).rejects.toThrow(/has no chat template/);
    await expect(refused).rejects.toThrow(BadInputError);
  });

  test("sampling: rollouts in their places, from the trainer's distribution, seeded by position", async () => {
    const { models, sampler, trainer } = connection.server;
    const policy = await models.createModel(model("sampled"));
    const params = { temperature: 0.9, topP: 1, topK: 0, stopTokenIds: [0] };
    const contexts = [
      { tokens: [5, 6], maxNewTokens: 8, firstPosition: 0, seeds: [1n, (1n << 64n) - 1n] },
      { tokens: [7], maxNewTokens: 3, firstPosition: 0, seeds: [3n] },
    ];
    const [first, second] = await sampler.sample({ model: policy, contexts, params });
    expect([first!.length, second!.length]).toEqual([2, 1]);
    await sampler.syncWeights(policy);
    for (const { tokens, logprobs, version } of first!) {
      expect(version).toEqual(policy.version);
      const row = { tokens: [5, 6, ...tokens], spanStart: 2, spanLength: tokens.length };
      const [recomputed] = await trainer.forward({ rows: [row] }, [
        { model: policy, output: "logprobs", temperature: 0.9 },
      ]);
      logprobs.forEach((logprob, i) => expect(logprob).toBeCloseTo(recomputed![i]!, 4));
    }
    const whole = first![0]!.tokens;
    const rest = { tokens: [5, 6, whole[0]!], maxNewTokens: 7, firstPosition: 1, seeds: [1n] };
    expect(whole.length).toBeGreaterThan(1);
    const continued = await sampler.sample({ model: policy, contexts: [rest], params });
    expect(continued[0]![0]!.tokens).toEqual(whole.slice(1));
  });

  test("every loss is the testbed's", async () => {
    const { models, trainer } = connection.server;
    const policy = await models.createModel(model("losses"));
    const critic = await models.createModel(model("losses-critic", { head: "scalar" }));
    const spanLengths = ROWS.map(({ spanLength }) => spanLength);
    const ones = [1, 1, 1, 1, 1];
    const uneven = [-0.5, 1, 2, 0.25, -1];
    const losses = [
      { model: policy, loss: { kind: "crossEntropy", weights: uneven } },
      {
        model: policy,
        loss: {
          kind: "clippedSurrogate",
          oldLogprobs: [-3, -4, -3, -3.5, -2],
          advantages: uneven,
          weights: ones,
          clipLow: 0.2,
          clipHigh: 0.3,
        },
      },
      ...(["k1", "k2", "k3"] as const).map(
        (estimator) =>
          ({ model: policy, loss: { kind: "kl", referenceLogprobs: uneven, weights: ones, estimator } }) as const,
      ),
      { model: policy, loss: { kind: "linear", output: "logprobs", coefficients: uneven } },
      {
        model: policy,
        loss: {
          kind: "dpo",
          referenceLogprobs: [-3, -4, -3, -3.5, -2],
          preferredRows: [1, 0],
          rejectedRows: [0, 1],
          weights: [1, 0.25],
          beta: 0.3,
          labelSmoothing: 0.1,
        },
      },
      {
        model: policy,
        loss: {
          kind: "logRatioDifference",
          baseLogprobs: [-3, -4, -3, -3.5, -2],
          firstRows: [0],
          secondRows: [1],
          targets: [1.5],
          weights: [0.1],
        },
      },
      {
        model: critic,
        loss: { kind: "clippedValue", oldValues: uneven, returns: ones, weights: ones, clipRange: 0.2 },
      },
      { model: critic, loss: { kind: "squaredError", output: "values", targets: uneven, weights: ones } },
      { model: critic, loss: { kind: "squaredError", output: "scores", targets: [1, 2], weights: [1, 1] } },
      { model: critic, loss: { kind: "bradleyTerry", preferredRows: [1], rejectedRows: [0], weights: [2] } },
      { model: critic, loss: { kind: "rankedGroup", groupSizes: [2], ratings: [3, 1], weights: [2] } },
    ] as const;
    const gradients = await trainer.forwardBackward({ rows: ROWS }, losses);
    gradients.losses.forEach(({ loss, outputs }, i) =>
      expect(loss).toBeCloseTo(evaluateLoss(losses[i]!.loss, outputs, spanLengths).loss, 3),
    );
    const [logprobs, values, scores] = await trainer.forward({ rows: ROWS }, [
      { model: policy, output: "logprobs" },
      { model: critic, output: "values" },
      { model: critic, output: "scores" },
    ]);
    expect([logprobs!.length, values!.length, scores!.length]).toEqual([5, 5, 2]);
    expect(
      await connection.server.rewardModel.score(
        critic,
        ROWS.map(({ tokens }) => tokens),
      ),
    ).toEqual(scores);
    await trainer.release([]);
  });

  test("cross-entropy steps raise the log-probability; a kept batch serves them", async () => {
    const { models, trainer } = connection.server;
    let policy = await models.createModel(model("trained"));
    const outputs = () => [{ model: policy, output: "logprobs" }] as const;
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const [before] = await trainer.forward({ rows: ROWS, keepAs: "kept" }, outputs());
    for (let step = 0; step < 5; step++) {
      const loss = { kind: "crossEntropy", weights: [1, 1, 1, 1, 1] } as const;
      const { requestId, losses } = await trainer.forwardBackward({ keptBatchId: "kept" }, [{ model: policy, loss }]);
      expect(losses[0]!.loss).toBeCloseTo(-sum(losses[0]!.outputs), 3);
      const stepped = await trainer.optimizerStep({
        model: policy,
        requestIds: [requestId],
        adamw: ADAMW,
        maxGradientNorm: 1,
      });
      expect(stepped.gradientNorm).toBeGreaterThan(0);
      policy = stepped.model;
    }
    expect(policy.version.optimizerStep).toBe(5n);
    const [after] = await trainer.forward({ keptBatchId: "kept" }, outputs());
    expect(sum(after!)).toBeGreaterThan(sum(before!));
    await trainer.release(["kept"]);
    await expect(trainer.forward({ keptBatchId: "kept" }, outputs())).rejects.toThrow(NotOnServerError);
  });

  test("checkpoints: saved, restored under other names, found damaged, deleted; exported", async () => {
    const { models } = connection.server;
    const policy = await models.createModel(model("saved"));
    const saved = await models.saveCheckpoint({
      uri: "checkpoints/iteration-1",
      models: [policy],
      withOptimizerState: true,
    });
    const [reference] = await models.restoreCheckpoint(saved, [
      { savedName: "saved", name: "saved-reference", trainable: false },
    ]);
    expect(reference!.version.weightsHash).toBe(policy.version.weightsHash);
    await expect(models.restoreCheckpoint({ ...saved, manifestHash: "0".repeat(64) }, [])).rejects.toThrow(
      CorruptStateError,
    );
    await models.deleteCheckpoint(saved.uri);
    await models.deleteCheckpoint(saved.uri);
    await expect(models.restoreCheckpoint(saved, [])).rejects.toThrow(NotOnServerError);
    const exported = await models.exportModel({ model: policy, format: "peft-adapter", uri: "checkpoints/exported" });
    expect(readdirSync(exported)).toContain("adapter_config.json");
    const merged = await models.exportModel({ model: policy, format: "merged", uri: "stages/merged" });
    expect(readdirSync(merged)).toContain("config.json");
    const brought = await models.createModel(model("brought", { initialisedFrom: { peftAdapter: exported } }));
    expect(brought.version.weightsHash).toBe(policy.version.weightsHash);
  });

  test("what it refuses comes out as this project's errors", async () => {
    const { models, trainer } = connection.server;
    const policy = await models.createModel(model("refused"));
    const score = trainer.forward({ rows: ROWS }, [{ model: policy, output: "scores" }]);
    await expect(score).rejects.toThrow(BadInputError);
    await expect(models.createModel(model("refused"))).rejects.toThrow(BadInputError);
    await expect(models.createModel(model("lost", { base: join(folder, "nothing") }))).rejects.toThrow(BadInputError);
    const stale = { ...policy, version: { ...policy.version, optimizerStep: 9n } };
    await expect(trainer.forward({ rows: ROWS }, [{ model: stale, output: "logprobs" }])).rejects.toThrow(
      FencedOffError,
    );
    const aborted = models.createModel(model("aborted"), { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(InterruptedError);
  });

  test("a second holder of a run fences the first off", async () => {
    const first = await connect("run-2");
    const policy = await first.server.models.createModel(model("policy"));
    const second = await connect("run-2");
    expect(second.fence).toBeGreaterThan(first.fence);
    await expect(first.server.models.deleteModel("policy")).rejects.toThrow(FencedOffError);
    const outputs = [{ model: policy, output: "logprobs" }] as const;
    await expect(second.server.trainer.forward({ rows: ROWS }, outputs)).rejects.toThrow(NotOnServerError);
    await second.server.models.createModel(model("policy"));
    await second.server.models.deleteModel("policy");
    first.close();
    second.close();
  });

  test("a checkpoint is downloaded over connections that break, verified, and as it is on the server", async () => {
    const root = join(folder, "checkpoints", "large");
    const content = randomBytes(5 * 2 ** 20 + 7);
    writeStoredFolder(root, { "policy.safetensors": content });
    const proxy = await startBreakingProxy(local.address, [1.5 * 2 ** 20, 1.5 * 2 ** 20]);
    const probe = await probeModelServer({ ...proxy, token: local.token, silenceTimeoutMs: 60_000 });
    const progress: number[] = [];
    const to = join(folder, "downloaded");
    const onProgress = (done: number) => void progress.push(done);
    const { bytes } = await probe.files.download({ uri: "checkpoints/large", to }, { onProgress });
    probe.close();
    await proxy.close();
    expect(proxy.broken).toBe(2);
    expect(readdirSync(to).sort()).toEqual(["manifest.json", "policy.safetensors"]);
    expect(readFileSync(join(to, "policy.safetensors")).equals(content)).toBe(true);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(bytes);
  }, 120_000);

  test("a download that is interrupted goes on; what is damaged, elsewhere or not there is refused", async () => {
    const root = join(folder, "checkpoints", "other");
    writeStoredFolder(root, { a: randomBytes(3 * 2 ** 20) });
    const { files } = connection.server;
    const to = join(folder, "interrupted");
    const user = new AbortController();
    const interrupted = files.download(
      { uri: "checkpoints/other", to },
      { signal: user.signal, onProgress: (done) => void (done >= 2 ** 20 && user.abort()) },
    );
    await expect(interrupted).rejects.toThrow(InterruptedError);
    await expect(interrupted).rejects.toThrow(/downloading checkpoints\/other .* goes on where it was/);
    let first: number | undefined;
    await files.download({ uri: "checkpoints/other", to }, { onProgress: (done) => void (first ??= done) });
    expect(first).toBeGreaterThanOrEqual(2 ** 20);
    expect(readFileSync(join(to, "a")).equals(readFileSync(join(root, "a")))).toBe(true);

    const again = (uri: string) => files.download({ uri, to: join(folder, "again") });
    writeFileSync(join(root, "a"), Buffer.alloc(3 * 2 ** 20));
    await expect(again("checkpoints/other")).rejects.toThrow(CorruptStateError);
    writeStoredFolder(join(folder, "checkpoints", "evil"), { a: Buffer.of(1) }, "../../out");
    await expect(again("checkpoints/evil")).rejects.toThrow(/names a file "\.\.\/\.\.\/out", outside/);
    await expect(again("checkpoints/nowhere")).rejects.toThrow(NotOnServerError);
    await expect(again("../x")).rejects.toThrow(BadInputError);
  }, 120_000);

  test("restored after a restart, an iteration replays to the same weights", async () => {
    const iteration = async (
      { server }: ModelServerConnection,
      policy: Awaited<ReturnType<typeof server.models.createModel>>,
    ) => {
      const { requestId } = await server.trainer.forwardBackward({ rows: ROWS }, [
        { model: policy, loss: { kind: "crossEntropy", weights: [1, 1, 1, 1, 1] } },
      ]);
      return (
        await server.trainer.optimizerStep({ model: policy, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 1 })
      ).model;
    };
    const before = await connect("run-3");
    const begun = await iteration(before, await before.server.models.createModel(model("policy")));
    const saved = await before.server.models.saveCheckpoint({
      uri: "checkpoints/run-3",
      models: [begun],
      withOptimizerState: true,
    });
    const done = await iteration(before, begun);
    before.close();
    connection.close();
    await local.stop();

    local = await start();
    connection = await connect();
    const after = await connect("run-3");
    expect(after.fence).toBeGreaterThan(before.fence);
    const [restored] = await after.server.models.restoreCheckpoint(saved, []);
    expect(restored!.version).toEqual({ ...begun.version, generation: begun.version.generation + 1n });
    const replayed = await iteration(after, restored!);
    expect(replayed.version.weightsHash).toBe(done.version.weightsHash);
    after.close();
  }, 120_000);
});
