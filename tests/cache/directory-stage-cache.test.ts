import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { defaultCacheDirectory, directoryStageCache } from "../../src/cache/directory-stage-cache.js";
import { CorruptStateError, InterruptedError } from "../../src/errors.js";
import { startChild } from "../durable-files/child-process.js";
import { compileSources } from "../durable-files/compiled-sources.js";

let directory: string;

beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "drpo-cache-"))));
afterEach(() => rm(directory, { recursive: true }));

const always = () => Promise.resolve(true);

/** Asks for the entry; `computed` counts how often it was made. */
function asker(onWait?: () => void) {
  const counts = { computed: 0 };
  const cache = directoryStageCache({ directory, ...(onWait ? { onWait } : {}) });
  const ask = (
    options: { key?: string; stillThere?: (output: string) => Promise<boolean>; signal?: AbortSignal } = {},
    output = "out",
  ) =>
    cache.getOrCompute<string>({
      stage: "sft",
      key: options.key ?? "k1",
      stillThere: options.stillThere ?? always,
      compute: () => {
        counts.computed++;
        return Promise.resolve(output);
      },
      signal: options.signal,
    });
  return { ask, counts };
}

describe("getOrCompute", () => {
  test("computes once for each key, and another cache on the same folder reuses it", async () => {
    expect(await asker().ask()).toEqual({ output: "out", reused: false });
    const { ask, counts } = asker();
    expect(await ask()).toEqual({ output: "out", reused: true });
    expect(await ask({ key: "k2" })).toEqual({ output: "out", reused: false });
    expect(counts.computed).toBe(1);
    expect(await readdir(join(directory, "stages"))).toEqual([".locks", "sft-k1.json", "sft-k2.json"]);
  });

  test("computes again what the server no longer has", async () => {
    await asker().ask();
    const seen: string[] = [];
    const stillThere = (output: string) => Promise.resolve(seen.push(output) > 1);
    const { ask } = asker();
    expect(await ask({ stillThere }, "new")).toEqual({ output: "new", reused: false });
    expect(await ask({ stillThere })).toEqual({ output: "new", reused: true });
    expect(seen).toEqual(["out", "new"]);
  });

  test("computes once for two who ask at the same time", async () => {
    const { ask, counts } = asker();
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ reused }) => reused).sort()).toEqual([false, true, true]);
    expect(counts.computed).toBe(1);
  });

  test("keeps nothing of a stage that failed, and lets the next one in", async () => {
    const cache = directoryStageCache({ directory });
    const compute = () => Promise.reject(new Error("diverged"));
    await expect(cache.getOrCompute({ stage: "sft", key: "k1", stillThere: always, compute })).rejects.toThrow(
      "diverged",
    );
    expect((await asker().ask()).reused).toBe(false);
  });

  test("says which entry is damaged", async () => {
    await asker().ask();
    await writeFile(join(directory, "stages", "sft-k1.json"), "{");
    const asking = asker().ask();
    await expect(asking).rejects.toThrow(CorruptStateError);
    await expect(asking).rejects.toThrow(/sft-k1\.json is damaged: delete the file/);
  });
});

describe("another process that computes", () => {
  let sources: Awaited<ReturnType<typeof compileSources>>;
  beforeAll(async () => void (sources = await compileSources()));
  afterAll(() => sources.remove());

  const computing = () =>
    startChild(`
      import { directoryStageCache } from ${JSON.stringify(join(sources.folder, "cache/directory-stage-cache.js"))};
      const cache = directoryStageCache({ directory: ${JSON.stringify(directory)} });
      await cache.getOrCompute({ stage: "sft", key: "k1", stillThere: async () => true, compute: async () => {
        console.log("computing");
        await new Promise((resolve) => process.stdin.on("data", resolve));
        return "theirs";
      } });
      process.exit(0);`);

  test("is waited for, and its output reused", async () => {
    const child = computing();
    await child.nextLine();
    const { ask, counts } = asker(() => child.write("go on"));
    expect(await ask()).toEqual({ output: "theirs", reused: true });
    expect(counts.computed).toBe(0);
    expect(await child.ended()).toBe(0);
  });

  test("and is killed leaves the work to us", async () => {
    const child = computing();
    await child.nextLine();
    const { ask } = asker(() => void child.kill("SIGKILL"));
    expect(await ask()).toEqual({ output: "out", reused: false });
  });

  test("does not keep us from stopping", async () => {
    const child = computing();
    await child.nextLine();
    const abort = new AbortController();
    const { ask } = asker(() => abort.abort());
    await expect(ask({ signal: abort.signal })).rejects.toThrow(InterruptedError);
    await child.kill("SIGKILL");
  });
});

test("defaultCacheDirectory follows DRPO_CACHE_DIR, then XDG_CACHE_HOME, then the home folder", () => {
  expect(defaultCacheDirectory({ DRPO_CACHE_DIR: "/own", XDG_CACHE_HOME: "/xdg" }, "/home/me")).toBe("/own");
  expect(defaultCacheDirectory({ XDG_CACHE_HOME: "/xdg" }, "/home/me")).toBe("/xdg/drpo");
  expect(defaultCacheDirectory({}, "/home/me")).toBe("/home/me/.cache/drpo");
});
