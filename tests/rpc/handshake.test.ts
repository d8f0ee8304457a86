import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { EnvironmentError, ServerUnavailableError } from "../../src/errors.js";
import { SCHEMA_HASH } from "../../src/proto-gen/schema-hash.js";
import { probeModelServer } from "../../src/rpc/probe-model-server.js";
import { startTestbed } from "../../src/testbed/start-testbed.js";
import { impatientClock } from "./manual-clock.js";
import { connectToTestbed, VOCABULARY } from "./testbed-connection.js";

describe("connecting", () => {
  test("answers what the server is, and a fence that grows with each holder", async () => {
    const connection = await connectToTestbed();
    expect(connection.info).toMatchObject({ engine: "tables", device: "cpu", computeThreads: 1 });
    const second = await connection.reconnect();
    expect(second.fence).toBeGreaterThan(connection.fence);
    await connection.end();
  });

  test("another schema is refused, both hashes named", async () => {
    const failure = connectToTestbed({ schemaHash: "abc123" });
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(new RegExp(`abc123[^]*${SCHEMA_HASH}`));
  });

  test("a server that wants a token gets it, and refuses another", async () => {
    const connection = await connectToTestbed({ token: "right" }, { token: "right" });
    await expect(connection.reconnect({ token: "wrong" })).rejects.toThrow(/DRPO_SERVER_TOKEN/);
    await connection.end();
  });

  test("a refused connection never shows the token", async () => {
    const failure = connectToTestbed({ token: "right" }, { token: "wrong-and-secret" });
    await expect(failure).rejects.not.toThrow("secret");
  });

  test("nobody there: unavailable, with the address", async () => {
    const testbed = await startTestbed({ vocabulary: VOCABULARY, contextTokens: 4 });
    await testbed.close();
    const failure = probeModelServer({ address: testbed.address, silenceTimeoutMs: 60_000, clock: impatientClock });
    await expect(failure).rejects.toThrow(ServerUnavailableError);
    await expect(failure).rejects.toThrow(testbed.address);
  });

  test("a lost answer of AcquireRun does not take a second fence", async () => {
    const connection = await connectToTestbed();
    connection.testbed.faults.failNext("AcquireRun", { code: status.UNAVAILABLE, when: "after" });
    const second = await connection.reconnect();
    expect(second.fence).toBe(connection.fence + 1n);
    await connection.end();
  });
});

test("a probe looks without taking the run", async () => {
  const connection = await connectToTestbed();
  const probe = await probeModelServer({ address: connection.testbed.address, silenceTimeoutMs: 60_000 });
  expect((await probe.serverInfo()).instanceId).toBe(connection.info.instanceId);
  expect(connection.testbed.faults.callsOf("AcquireRun")).toBe(1);
  probe.close();
  await connection.end();
});
