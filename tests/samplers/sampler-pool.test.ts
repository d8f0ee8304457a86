import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import {
  BadInputError,
  EnvironmentError,
  FencedOffError,
  InterruptedError,
  SamplerDriftError,
} from "../../src/errors.js";
import type { PlacedContinuation } from "../../src/ports/sampler.js";
import { PARAMS, type PoolOfTestbeds, poolOfTestbeds, sampledByTrainer, someContexts } from "./pool-of-testbeds.js";

let pools: PoolOfTestbeds[] = [];
const open = async (...options: Parameters<typeof poolOfTestbeds>) => {
  const opened = await poolOfTestbeds(...options);
  pools.push(opened);
  return opened;
};
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  pools = [];
});
const calls = ({ samplers }: PoolOfTestbeds, rpc: string) => samplers.map(({ faults }) => faults.callsOf(rpc));
/** Waits until something has happened that a test cannot be told of. */
const until = async (happened: () => boolean) => {
  while (!happened()) await new Promise((resolve) => setImmediate(resolve));
};

test("rollouts are those of the trainer, each once, in the order of the request, whoever wrote them", async () => {
  const fleet = await open(3);
  const request = { model: fleet.model, contexts: someContexts(20), params: PARAMS };
  const progress: number[] = [];
  const parts: PlacedContinuation[] = [];
  const rollouts = await fleet.pool.sample(request, {
    onProgress: (done, total) => progress.push(done / total),
    onSampled: (part) => parts.push(...part),
  });
  expect(rollouts).toEqual(await sampledByTrainer(fleet, request));
  expect(progress.at(-1)).toBe(1);
  expect(parts).toHaveLength(40);
  for (const { contextIndex, continuationIndex, continuation } of parts)
    expect(rollouts[contextIndex]![continuationIndex]).toBe(continuation);
  expect(calls(fleet, "SampleRollouts").every((count) => count > 0)).toBe(true);
  expect(fleet.notes).toEqual([]);
  expect(await fleet.pool.sample({ ...request, contexts: [] })).toEqual([]);
});

test("a version is published once, fetched once by whoever samples it, and deleted when a newer one has come", async () => {
  const fleet = await open(2);
  const { pool, trainer } = fleet;
  const published = (model: typeof fleet.model) =>
    trainer.testbed.store.read(`checkpoints/sync/policy-${model.version.weightsHash.slice(0, 16)}`);
  let { model } = fleet;
  await pool.syncWeights(model);
  expect(published(model)).toBeDefined();
  // All begin to fetch it, whether or not anything is sampled by then.
  await until(() => calls(fleet, "ComputeLogprobs").every((count) => count === 1));
  for (let iteration = 0; iteration < 3; iteration++) {
    const request = { model, contexts: someContexts(6), params: PARAMS };
    expect(await pool.sample(request)).toEqual(await sampledByTrainer(fleet, request));
    expect(await pool.sample(request)).toHaveLength(6);
    const old = model;
    model = await fleet.train(model);
    await pool.syncWeights(model);
    expect(published(old)).toBeUndefined();
    await until(() => calls(fleet, "ComputeLogprobs").every((count) => count === iteration + 2));
  }
  expect(trainer.testbed.faults.callsOf("SaveCheckpoint")).toBe(4);
  expect(calls(fleet, "SyncWeights")).toEqual([4, 4]);
  expect(fleet.samplers[0]!.storedAnswers("run-1")).toBeLessThan(3);
  await pool.close();
  expect(published(model)).toBeUndefined();
});

test.each(["before", "after"] as const)(
  "a sampler that fails (%s its work) is taken out, its rollouts are written elsewhere, and it is taken back",
  async (when) => {
    const fleet = await open(2);
    const request = { model: fleet.model, contexts: someContexts(12), params: PARAMS };
    fleet.samplers[0]!.faults.failNext("SampleRollouts", { code: status.UNAVAILABLE, when });
    const progress: number[] = [];
    const rollouts = await fleet.pool.sample(request, { onProgress: (done) => progress.push(done) });
    expect(rollouts).toEqual(await sampledByTrainer(fleet, request));
    expect(progress.at(-1)).toBe(24);
    expect(fleet.notes).toEqual([expect.stringMatching(/^sampler s1 is taken out: SamplerService.SampleRollouts at /)]);
    const [alone] = calls(fleet, "SampleRollouts");
    expect(alone).toBe(1);

    fleet.clock.advance(1_000);
    await until(() => fleet.notes.length > 1);
    expect(fleet.notes[1]).toBe("sampler s1 is back.");
    await fleet.pool.sample(request);
    expect(calls(fleet, "SampleRollouts")[0]).toBeGreaterThan(1);
    expect(calls(fleet, "SyncWeights")).toEqual([2, 1]);
  },
);

test("a sampler that stalls is taken out; what it answers late is ignored", async () => {
  const fleet = await open(2);
  const request = { model: fleet.model, contexts: someContexts(12), params: PARAMS };
  const held = fleet.samplers[0]!.faults.holdNext("SampleRollouts");
  let finished = 0;
  const sampling = fleet.pool.sample(request, { onSampled: () => void finished++ });
  await held.reached;
  await until(() => finished === 11);
  fleet.clock.advance(5_000);
  const rollouts = await sampling;
  held.release();
  expect(rollouts).toEqual(await sampledByTrainer(fleet, request));
  expect(fleet.notes).toEqual([expect.stringContaining("no word for 5 s")]);
});

test("a sampler that restarted is given its weights again", async () => {
  const fleet = await open(1);
  const request = { model: fleet.model, contexts: someContexts(4), params: PARAMS };
  await fleet.pool.sample(request);
  fleet.samplers[0]!.restart();
  const sampling = fleet.pool.sample(request);
  await until(() => fleet.notes.length === 1);
  expect(fleet.notes[0]).toContain("has restarted");
  fleet.clock.advance(1_000);
  expect(await sampling).toEqual(await sampledByTrainer(fleet, request));
});

test("with no sampler left for too long, the run ends and says what each said last", async () => {
  const fleet = await open(2, { noneLeftMs: 60_000 });
  const request = { model: fleet.model, contexts: someContexts(4), params: PARAMS };
  for (const { faults } of fleet.samplers)
    faults.failNext("SampleRollouts", { code: status.UNAVAILABLE, when: "before" });
  for (const { faults } of fleet.samplers)
    for (let i = 0; i < 9; i++) faults.failNext("GetServerInfo", { code: status.UNAVAILABLE, when: "before" });
  const sampling = fleet.pool.sample(request);
  sampling.catch(() => undefined);
  await until(() => fleet.notes.length === 2);
  const connected = calls(fleet, "GetServerInfo");
  fleet.clock.advance(2_000);
  await until(() => fleet.clock.waiting.filter((delay) => delay === 1_000).length === 2);
  expect(calls(fleet, "GetServerInfo")).toEqual(connected.map((count) => count + 1));
  fleet.clock.advance(58_000);
  await expect(sampling).rejects.toThrow(EnvironmentError);
  await expect(sampling).rejects.toThrow(
    /No sampler is left for 60 s.*\n {2}s1: ModelService.GetServerInfo.*\n {2}s2: /s,
  );
});

test("what is the request's fault, or would hide that weights differ, is not tried elsewhere", async () => {
  const fleet = await open(2);
  const contexts = someContexts(4);
  const bad = { model: fleet.model, contexts: [{ ...contexts[0]!, tokens: [99] }], params: PARAMS };
  await expect(fleet.pool.sample(bad)).rejects.toThrow(BadInputError);
  fleet.samplers[0]!.faults.failNext("SampleRollouts", { code: status.FAILED_PRECONDITION, when: "before" });
  fleet.samplers[1]!.faults.failNext("SampleRollouts", { code: status.FAILED_PRECONDITION, when: "before" });
  await expect(fleet.pool.sample({ model: fleet.model, contexts, params: PARAMS })).rejects.toThrow(FencedOffError);
  expect(fleet.notes).toEqual([]);
});

test("a sub-batch that brings down one sampler after another is given up", async () => {
  const fleet = await open(6);
  for (const { faults } of fleet.samplers) faults.failNext("SampleRollouts", { code: status.INTERNAL, when: "before" });
  const request = { model: fleet.model, contexts: someContexts(1), params: PARAMS };
  await expect(fleet.pool.sample(request)).rejects.toThrow("injected before the work");
  expect(calls(fleet, "SampleRollouts").filter((count) => count > 0)).toHaveLength(5);
});

test("a sampler that computes something else from the same weights is an error with both versions and the difference", async () => {
  const other = (context: readonly number[]) => [context.length, 0, 0, 0];
  const fleet = await open(2, { samplerOptions: { logits: other } });
  const request = { model: fleet.model, contexts: someContexts(4), params: PARAMS };
  await expect(fleet.pool.sample(request)).rejects.toThrow(SamplerDriftError);
  await expect(fleet.pool.sample(request)).rejects.toThrow(
    /s[12] and the trainer disagree about policy at \(generation 1, optimiser step 0, weights [0-9a-f]{12}\): .* \(largest: [\d.]+\)/,
  );
});

test("an interrupt ends a request at once, and the samplers are told to stop", async () => {
  const fleet = await open(2);
  const held = fleet.samplers.map(({ faults }) => faults.holdNext("SampleRollouts"));
  const interrupt = new AbortController();
  const request = { model: fleet.model, contexts: someContexts(12), params: PARAMS };
  const sampling = fleet.pool.sample(request, { signal: interrupt.signal });
  await Promise.all(held.map(({ reached }) => reached));
  interrupt.abort();
  await expect(sampling).rejects.toThrow(InterruptedError);
  await Promise.all(held.map(({ cancelled }) => cancelled));
  expect(fleet.notes).toEqual([]);
  expect(await fleet.pool.sample(request)).toEqual(await sampledByTrainer(fleet, request));
});
