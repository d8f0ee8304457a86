import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { EnvironmentError, InterruptedError } from "../../src/errors.js";
import { createManualClock, type ManualClock } from "./manual-clock.js";
import { connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

const SILENCE_MS = 1000;
let clock: ManualClock;
let connection: TestbedConnection;
beforeEach(async () => {
  clock = createManualClock();
  connection = await connectToTestbed({}, { clock, silenceTimeoutMs: SILENCE_MS });
});
afterEach(() => connection.end());

describe("abort", () => {
  test.each(["CreateModel", "DeleteModel"])("ends a %s under way, on both sides", async (rpc) => {
    const hold = connection.testbed.faults.holdNext(rpc);
    const user = new AbortController();
    const { models } = connection.server;
    const call =
      rpc === "CreateModel"
        ? models.createModel(tinyModel({ name: "policy" }), { signal: user.signal })
        : models.deleteModel("policy", { signal: user.signal });
    call.catch(() => undefined);
    await hold.reached;
    user.abort();
    await expect(call).rejects.toThrow(InterruptedError);
    await hold.cancelled;
  });

  test("before the call: nothing is done", async () => {
    const call = connection.server.models.createModel(tinyModel({ name: "policy" }), { signal: AbortSignal.abort() });
    await expect(call).rejects.toThrow(InterruptedError);
    expect(() => connection.testbed.gradients("run-1", "policy")).toThrow(/no model/);
  });

  test("listeners are taken off a signal that outlives the call", async () => {
    const user = new AbortController();
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }), { signal: user.signal });
    user.abort();
    expect(model.name).toBe("policy");
    expect(clock.waiting).toEqual([]);
  });
});

describe("silence", () => {
  test("ends a call", async () => {
    const hold = connection.testbed.faults.holdNext("CreateModel");
    const call = connection.server.models.createModel(tinyModel({ name: "policy" }));
    call.catch(() => undefined);
    await hold.reached;
    clock.advance(SILENCE_MS - 1);
    clock.advance(1);
    await expect(call).rejects.toThrow(EnvironmentError);
    await expect(call).rejects.toThrow(/no word for 1 s/);
    await hold.cancelled;
    expect(connection.testbed.faults.callsOf("CreateModel")).toBe(1);
  });

  test("is broken by progress, however long the call takes", async () => {
    const hold = connection.testbed.faults.holdNext("CreateModel");
    let heard: (progress: readonly [number, number]) => void = () => undefined;
    const onProgress = (done: number, total: number) => heard([done, total]);
    const call = connection.server.models.createModel(tinyModel({ name: "policy" }), { onProgress });
    await hold.reached;
    for (const done of [1, 2, 3]) {
      const progress = new Promise((resolve) => (heard = resolve));
      hold.progress(done, 3);
      expect(await progress).toEqual([done, 3]);
      clock.advance(SILENCE_MS - 1);
    }
    hold.release();
    expect((await call).name).toBe("policy");
  });
});

test("what onProgress throws ends the call and comes out", async () => {
  const call = connection.server.models.createModel(tinyModel({ name: "policy" }), {
    onProgress: () => {
      throw new Error("from the listener");
    },
  });
  await expect(call).rejects.toThrow("from the listener");
});
