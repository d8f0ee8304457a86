import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BadInputError, EnvironmentError, InterruptedError } from "../../src/errors.js";
import { startLocalServer } from "../../src/server/local-server.js";
import { createTemporaryFolder } from "./temporary-folder.js";

/** Programs that stand for an interpreter: real processes, each of which fails, waits or serves in its own way. */
const folder = createTemporaryFolder();
afterAll(() => folder.remove());

const logFile = join(folder.path, "logs", "server.log");
const start = (python: string, more: { startTimeoutMs?: number; signal?: AbortSignal } = {}) =>
  startLocalServer({
    options: {
      python,
      port: 0,
      threads: 0,
      device: "cpu",
      dtype: "float32",
      tokenBudget: 2048,
      startTimeoutMs: more.startTimeoutMs ?? 60_000,
    },
    checkpointRoot: join(folder.path, "checkpoints"),
    stageRoot: join(folder.path, "stages"),
    logFile,
    signal: more.signal,
  });

describe("a server that serves", () => {
  let python: string;
  beforeAll(() => {
    python = folder.script(
      "serves",
      `echo "token $DRPO_SERVER_TOKEN path $PYTHONPATH args $*" >&2
       echo '{"event":"serving","address":"127.0.0.1:5"}'
       exec cat`,
    );
  });

  test("answers its address; token and PYTHONPATH come by the environment, the token by nothing else", async () => {
    const server = await start(python);
    expect(server).toMatchObject({ address: "127.0.0.1:5", pid: expect.any(Number) });
    expect(server.token.length).toBeGreaterThan(30);
    const log = readFileSync(logFile, "utf8");
    expect(log).toContain(`token ${server.token} path`);
    expect(log).toMatch(/path \S*server-images/);
    expect(log.split("args")[1]).not.toContain(server.token);
    await server.stop();
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
  });

  test("two servers have different tokens", async () => {
    const servers = await Promise.all([start(python), start(python)]);
    expect(servers[0].token).not.toBe(servers[1].token);
    await Promise.all(servers.map((server) => server.stop()));
  });
});

describe("a server that ends before it serves", () => {
  test("because of the environment: its own words", async () => {
    const python = folder.script("environment", "echo 'cannot listen on 127.0.0.1:7: the port is in use' >&2; exit 3");
    const failure = start(python);
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(/cannot listen on 127\.0\.0\.1:7: the port is in use\. Log: .*server\.log/);
  });

  test("as one of several processes: its words and code, which torchrun buries", async () => {
    const script = (code: number) => `
      echo 'process 1 cannot start: --device cuda:1 cannot be used (no such device) (exit code ${code})' >&2
      seq 1 30 >&2; exit 1`;
    await expect(start(folder.script("several", script(3)))).rejects.toThrow(
      /could not start: --device cuda:1 cannot be used \(no such device\)\. Log/,
    );
    await expect(start(folder.script("several", script(2)))).rejects.toThrow(BadInputError);
  });

  test("for another reason: exit code, last lines and log, but no lines of an earlier server", async () => {
    await start(folder.script("earlier", "echo 'of yesterday' >&2; exit 1")).catch(() => undefined);
    const failure = start(folder.script("broken", "seq 1 30 >&2; exit 7"));
    await expect(failure).rejects.toThrow(/exit code 7[^]*server\.log\n19\n[^]*30$/);
    await expect(failure).rejects.not.toThrow("yesterday");
  });

  test("because its packages are missing: what to run", async () => {
    const failure = start(folder.script("bare", "echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1"));
    await expect(failure).rejects.toThrow(/No module named 'torch'.*\.\/scripts\/setup/);
  });

  test("because there is no such program", async () => {
    const failure = start("no-such-python");
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(/no-such-python.*\.\/scripts\/setup/);
  });
});

describe("a server that keeps silent", () => {
  test("is given up after the start timeout", async () => {
    await expect(start(folder.script("silent", "exec cat"), { startTimeoutMs: 20 })).rejects.toThrow(
      /did not serve within 0\.02 s.*server\.startTimeoutMs/,
    );
  });

  test("is given up when the user asks", async () => {
    const signal = AbortSignal.abort();
    await expect(start(folder.script("silent", "exec cat"), { signal })).rejects.toThrow(InterruptedError);
  });
});
