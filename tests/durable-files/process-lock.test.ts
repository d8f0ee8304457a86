import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ownIdentity } from "../../src/durable-files/process-identity.js";
import { tryLock, waitForLock } from "../../src/durable-files/process-lock.js";
import { InterruptedError } from "../../src/errors.js";
import { startChild } from "./child-process.js";
import { compileSources } from "./compiled-sources.js";

let sources: Awaited<ReturnType<typeof compileSources>>;
let folder: string;

beforeAll(async () => void (sources = await compileSources()));
afterAll(() => sources.remove());
beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), "drpo-lock-"));
  folder = join(root, "lock");
});
afterEach(() => rm(dirname(folder), { recursive: true }));

const locker = (body: string): string => `
  import { tryLock, waitForLock } from ${JSON.stringify(join(sources.folder, "durable-files/process-lock.js"))};
  const folder = ${JSON.stringify(folder)};
  ${body}`;

const holds = () => startChild(locker(`await tryLock(folder); console.log("locked"); process.stdin.resume();`));

const locked = async () => {
  const result = await tryLock(folder);
  return "lock" in result ? result.lock : null;
};

describe("tryLock", () => {
  test("gives the lock once, and again after its release", async () => {
    const first = await locked();
    expect(first).not.toBeNull();
    expect(await tryLock(folder)).toMatchObject({ holder: { state: "alive", process: { pid: process.pid } } });
    await first!.release();
    expect(await locked()).not.toBeNull();
  });

  test("names the live process that holds it, and takes it over at once after kill -9", async () => {
    const child = holds();
    expect(await child.nextLine()).toBe("locked");
    expect(await tryLock(folder)).toMatchObject({ holder: { state: "alive", process: { pid: child.pid } } });
    await child.kill("SIGKILL");
    expect(await locked()).not.toBeNull();
  });

  test("is free after a restart of the machine, and after another process got the pid", async () => {
    await (await locked())!.release();
    const us = await ownIdentity();
    await writeFile(join(folder, "2"), JSON.stringify({ ...us, bootId: "an earlier boot" }));
    expect(await locked()).not.toBeNull();
    await writeFile(join(folder, "4"), JSON.stringify({ ...us, startTime: "1" }));
    expect(await locked()).not.toBeNull();
  });

  test("does not take over from another machine, where it cannot look", async () => {
    await (await locked())!.release();
    const us = await ownIdentity();
    const elsewhere = { ...us, host: `not-${hostname()}` };
    await writeFile(join(folder, "2"), JSON.stringify(elsewhere));
    expect(await tryLock(folder)).toMatchObject({ holder: { state: "unknown", process: elsewhere } });
  });

  test("keeps one file, however often it is taken", async () => {
    for (let i = 0; i < 5; i++) await (await locked())!.release();
    expect(await readdir(folder)).toEqual(["5"]);
  });

  test("never lets two processes in, with holders that die without a release", async () => {
    // Each child enters 30 times; "inside" exists while somebody is in. Every child ends while it holds the lock.
    const body = `
      import { rm, writeFile } from "node:fs/promises";
      const inside = folder + "-inside";
      for (let turn = 0; turn < 30; turn++) {
        const lock = await waitForLock(folder, {});
        await writeFile(inside, "", { flag: "wx" });
        await rm(inside);
        if (turn < 29) await lock.release();
      }
      console.log("done");`;
    const children = Array.from({ length: 4 }, () => startChild(locker(body)));
    expect(await Promise.all(children.map((child) => child.nextLine()))).toEqual(["done", "done", "done", "done"]);
    expect(await Promise.all(children.map((child) => child.ended()))).toEqual([0, 0, 0, 0]);
    expect(await locked()).not.toBeNull();
  });
});

describe("waitForLock", () => {
  test("waits for a live process, says so once, and goes on when that is killed", async () => {
    const child = holds();
    await child.nextLine();
    const waits: number[] = [];
    const waiting = waitForLock(folder, {
      onWait: ({ process: { pid } }) => void (waits.push(pid), void child.kill("SIGKILL")),
    });
    await (await waiting).release();
    expect(waits).toEqual([child.pid]);
  });

  test("ends when aborted", async () => {
    await locked();
    const abort = new AbortController();
    const waiting = waitForLock(folder, { signal: abort.signal, onWait: () => abort.abort() });
    await expect(waiting).rejects.toThrow(InterruptedError);
  });
});
