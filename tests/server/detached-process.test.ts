import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { identityOf, processState } from "../../src/durable-files/process-identity.js";
import { BadInputError, EnvironmentError, InterruptedError } from "../../src/errors.js";
import { followFile } from "../../src/server/detached/follow-file.js";
import { startDetachedProcess } from "../../src/server/detached/start-detached-process.js";
import { stopDetachedProcess } from "../../src/server/detached/stop-detached-process.js";
import { createTemporaryFolder } from "./temporary-folder.js";

/** Programs that stand for an interpreter, each of which serves, fails or waits in its own way. */
const folder = createTemporaryFolder();
afterAll(() => folder.remove());

const log = join(folder.path, "server.log");
const SERVES = `echo '{"event":"serving","address":"127.0.0.1:5"}'`;
const start = (
  name: string,
  lines: string,
  more: { readonly startTimeoutMs?: number; readonly signal?: AbortSignal } = {},
) =>
  startDetachedProcess({
    ...{ python: folder.script(name, lines), args: ["-m", "x"], cwd: folder.path, log },
    environment: { ...process.env, DRPO_SERVER_TOKEN: "secret" },
    ...{ startTimeoutMs: 60_000, signal: new AbortController().signal, ...more },
  });

describe("a detached server", () => {
  test("says where it is in its log, which only its user can read; the token comes by the environment", async () => {
    const { address, process: identity } = await start(
      "serves",
      `echo "args $*, token $DRPO_SERVER_TOKEN"\n${SERVES}\nexec sleep 600`,
    );
    expect(address).toBe("127.0.0.1:5");
    expect(await readFile(log, "utf8")).toContain("args -m x, token secret");
    expect(await processState(identity)).toBe("alive");
    expect(await stopDetachedProcess(identity, 60_000)).toBe("stopped");
    expect(await processState(identity)).toBe("dead");
    expect(await stopDetachedProcess(identity, 60_000)).toBe("gone");
  });

  test("that does not end by SIGTERM is killed, with its children", async () => {
    const { process: identity } = await start("stays", `trap '' TERM\nsleep 600 &\necho "child $!"\n${SERVES}\nwait`);
    const child = Number(/child (\d+)/.exec(readFileSync(log, "utf8"))![1]);
    const childIdentity = await identityOf(child);
    expect(await stopDetachedProcess(identity, 0)).toBe("killed");
    expect(await processState(identity)).toBe("dead");
    // Its parent is gone: whoever collects it now may take a moment.
    while ((await processState(childIdentity)) === "alive") await new Promise((resolve) => setImmediate(resolve));
  });

  test("whose pid is now another program's is gone, and that program is left alone", async () => {
    const { process: identity } = await start("innocent", `${SERVES}\nexec sleep 600`);
    expect(await stopDetachedProcess({ ...identity, startTime: "1" }, 60_000)).toBe("gone");
    expect(await processState(identity)).toBe("alive");
    await stopDetachedProcess(identity, 60_000);
  });

  test("of another machine cannot be stopped from here", async () => {
    const elsewhere = stopDetachedProcess({ ...(await identityOf(process.pid)), host: "other" }, 0);
    await expect(elsewhere).rejects.toThrow(EnvironmentError);
    await expect(elsewhere).rejects.toThrow(/runs on other/);
  });

  test("that ends before it serves says why, and its exit code decides", async () => {
    const refused = start("refuses", "echo 'no such file: x' >&2; exit 2");
    await expect(refused).rejects.toThrow(BadInputError);
    await expect(refused).rejects.toThrow("The model server refused: no such file: x");
    const unable = start("unable", "echo 'the port is in use' >&2; exit 3");
    await expect(unable).rejects.toThrow(EnvironmentError);
    await expect(unable).rejects.toThrow(/the port is in use\. Log: .*server\.log/);
    await expect(start("broken", "exit 7")).rejects.toThrow(/exit code 7/);
    const missing = startDetachedProcess({
      ...{ python: "no-such-python", args: [], cwd: folder.path, log, environment: process.env },
      ...{ startTimeoutMs: 60_000, signal: new AbortController().signal },
    });
    await expect(missing).rejects.toThrow(/no-such-python.*scripts\/setup/);
  });

  test("that takes too long, or that the user does not wait for, is ended", async () => {
    const pidFile = join(folder.path, "pid");
    const silent = `echo $$ >${pidFile}\nexec sleep 600`;
    const ended = async () => processState(await identityOf(Number(await readFile(pidFile, "utf8"))));
    await expect(start("silent", silent, { startTimeoutMs: 0 })).rejects.toThrow(
      /did not serve within 0 s.*--start-timeout/,
    );
    const user = new AbortController();
    const interrupted = start("interrupted", silent, { signal: user.signal });
    user.abort();
    await expect(interrupted).rejects.toThrow(InterruptedError);
    expect(await ended()).toBe("dead");
  });
});

describe("followFile", () => {
  const path = join(folder.path, "log");
  const follow = async (options: { readonly lines?: number; readonly appended?: string } = {}) => {
    const parts: string[] = [];
    let asked = 0;
    await followFile(path, {
      lines: options.lines,
      onData: (data) => void parts.push(Buffer.from(data).toString()),
      signal: new AbortController().signal,
      hasEnded: async () => {
        // What was written just before the end is still read.
        if (options.appended !== undefined && asked === 0) await writeFile(path, options.appended, { flag: "a" });
        return asked++ > 0 || options.appended === undefined;
      },
    });
    return parts.join("");
  };

  test("all of it, its last lines, and what is appended until its writer has ended", async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`);
    await writeFile(path, lines.join(""));
    expect(await follow()).toBe(lines.join(""));
    expect(await follow({ lines: 2 })).toBe(lines.slice(-2).join(""));
    expect(await follow({ lines: 20_000 })).toBe(lines.slice(-20_000).join(""));
    expect(await follow({ lines: 50_000 })).toBe(lines.join(""));
    expect(await follow({ lines: 1, appended: "last\n" })).toBe(`${lines.at(-1)}last\n`);
  });

  test("one that is not there", async () => {
    await expect(
      followFile(join(folder.path, "none"), {
        onData: () => undefined,
        hasEnded: async () => true,
        signal: new AbortController().signal,
      }),
    ).rejects.toThrow(/ENOENT/);
  });
});
