import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, CorruptStateError, EnvironmentError } from "../../src/errors.js";
import { openRunDirectory, type RunDirectoryOptions } from "../../src/run/open-run-directory.js";
import { readRun } from "../../src/run/read-run.js";
import { startChild } from "../durable-files/child-process.js";
import { compileSources } from "../durable-files/compiled-sources.js";
import { commit, evaluation, evaluationRows, recipe, rollout } from "./run-fixtures.js";

let folder: string;
let directory: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-run-"));
  directory = join(folder, "runs", "small");
});
afterEach(() => rm(folder, { recursive: true }));

const open = (options: Partial<RunDirectoryOptions> = {}) =>
  openRunDirectory({ directory, recipe: recipe(), resume: false, ...options });

const resume = (options: Partial<RunDirectoryOptions> = {}) => open({ ...options, resume: true });

async function failure(opening: Promise<unknown>): Promise<Error> {
  const error: unknown = await opening.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.any(String) });
  return error as Error;
}

const linesOf = async (name: string) =>
  (await readFile(join(directory, name), "utf8"))
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("a new run", () => {
  test("writes down its recipe with every default, its versions and hashes", async () => {
    const run = await open({ versions: { drpo: "0.1.0" }, hashes: { data: "d1" } });
    await run.record({ versions: { torch: "2" }, hashes: { base: "b1" } });
    await run.close();
    expect(JSON.parse(await readFile(join(directory, "recipe.json"), "utf8"))).toMatchObject({
      runId: run.runId,
      versions: { drpo: "0.1.0", torch: "2" },
      hashes: { data: "d1", base: "b1" },
      recipe: { seed: 1, policy: { klCoef: 0.05, reset: { proportion: 1 } } },
    });
    expect(run.lastCommit()).toBeNull();
  });

  test("writes rollouts with their texts, 64-bit versions exactly, and the evaluation", async () => {
    const run = await open();
    await run.writeRollouts(12, [rollout]);
    await run.writeEvaluation(evaluation(), evaluationRows());
    await run.close();
    expect(await linesOf("rollouts/000012.jsonl")).toMatchObject([
      { row: 0, text: "so good", prefix: [7], generated: [8, 2], version: { generation: "1152921504606846976" } },
    ]);
    expect((await readRun(directory)).evaluation).toEqual(evaluation());
  });

  test("begins anew where a run computed nothing", async () => {
    await (await open()).close();
    const run = await open();
    expect(run.lastCommit()).toBeNull();
    await run.appendMetrics({ stage: "sft", iteration: 1, metrics: { loss: 1 } });
    await run.close();
    expect(await failure(open())).toBeInstanceOf(BadInputError);
  });

  test("is refused where a run is, telling both ways out", async () => {
    const run = await open();
    await run.commit(commit(3));
    await run.close();
    const error = await failure(open());
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).toMatch(/holds a run already \(3 iterations.*--resume.*another --run-dir/);
  });

  test("is refused in a folder of other things, which is left as it was", async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "thesis.tex"), "");
    expect((await failure(open())).message).toMatch(/holds other files \(thesis\.tex\)/);
    expect(await readdir(directory)).toEqual(["thesis.tex"]);
  });

  test("where a part of the path is a file is an error of the environment", async () => {
    await writeFile(join(folder, "runs"), "");
    expect(await failure(open())).toBeInstanceOf(EnvironmentError);
  });
});

describe("a resumed run", () => {
  test("goes on from the last commit with the same id, and drops what is newer", async () => {
    const first = await open();
    await first.appendMetrics({ stage: "reward", iteration: 40, metrics: { loss: 0.5 } });
    for (const iteration of [1, 2, 3]) {
      await first.writeRollouts(iteration, [rollout]);
      await first.appendMetrics({ stage: "policy", iteration, metrics: { score: iteration, undefinedRatio: NaN } });
      await first.appendMetrics({ stage: "validation", iteration, metrics: { score: iteration } });
      if (iteration < 3) await first.commit(commit(iteration));
    }
    await first.close();
    await writeFile(join(directory, "rollouts", ".000004.jsonl.x.unfinished"), "{");

    const second = await resume();
    expect(second.runId).toBe(first.runId);
    expect(second.lastCommit()).toEqual(commit(2));
    await second.close();
    expect(await readdir(join(directory, "rollouts"))).toEqual(["000001.jsonl", "000002.jsonl"]);
    const { metrics } = await readRun(directory);
    expect(metrics.map(({ stage, iteration }) => [stage, iteration])).toEqual([
      ["reward", 40],
      ["policy", 1],
      ["policy", 2],
      ["validation", 1],
      ["validation", 2],
    ]);
    expect(metrics[1]!.metrics).toEqual({ score: 1 });
  });

  test("drops torn last lines and goes on writing whole ones", async () => {
    const first = await open();
    await first.commit(commit(1));
    await first.appendMetrics({ stage: "policy", iteration: 1, metrics: { score: 1 } });
    await first.close();
    await appendFile(join(directory, "journal.jsonl"), '{"event":"commit","at":"2');
    await appendFile(join(directory, "metrics.jsonl"), '{"stage":"pol');

    const second = await resume();
    expect(second.lastCommit()).toEqual(commit(1));
    await second.commit(commit(2));
    await second.appendMetrics({ stage: "policy", iteration: 2, metrics: { score: 2 } });
    await second.close();
    expect((await linesOf("journal.jsonl")).map(({ event }) => event)).toEqual([
      "opened",
      "commit",
      "opened",
      "commit",
    ]);
    expect(await linesOf("metrics.jsonl")).toHaveLength(2);
  });

  test.each([
    ["a damaged line", '{"event":"commit",\n', /journal\.jsonl:3: the line is not JSON/],
    ["another program's line", '{"event":"coffee"}\n', /journal\.jsonl:3: the line is no journal entry/],
    ["a commit from the past", `${JSON.stringify({ event: "commit", at: "", commit: commit(1) })}\n`, /out of order/],
  ])("is refused where the journal has %s", async (_, line, message) => {
    const first = await open();
    await first.commit(commit(1));
    await first.close();
    await appendFile(join(directory, "journal.jsonl"), line);
    const error = await failure(resume());
    expect(error).toBeInstanceOf(CorruptStateError);
    expect(error.message).toMatch(message);
  });

  test("is refused with another recipe, naming each key; where the server is may change", async () => {
    await (await open()).close();
    const other = recipe(0.002);
    const error = await failure(resume({ recipe: { ...other, seed: 2 } }));
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).toMatch(/policy\.optimizer\.learningRate: 0\.001 when the run began, 0\.002 now/);
    expect(error.message).toMatch(/seed: 1 when the run began, 2 now/);
    expect(error.message.split("\n")).toHaveLength(4);

    const { server } = recipe();
    if (server.kind !== "local") throw new Error("the fixture has a local server");
    await (await resume({ recipe: { ...recipe(), server: { ...server, port: 5001 } } })).close();
    expect((await failure(resume({ recipe: { ...recipe(), server: { ...server, threads: 7 } } }))).message).toMatch(
      /server\.threads/,
    );
  });

  test("is refused when the data or the base changed", async () => {
    const first = await open({ hashes: { data: "d1" } });
    await first.record({ hashes: { base: "b1" } });
    await first.close();
    expect((await failure(resume({ hashes: { data: "d2" } }))).message).toMatch(/its data changed/);
    const second = await resume({ hashes: { data: "d1" } });
    await expect(second.record({ hashes: { base: "b2" } })).rejects.toThrow(/its base changed/);
    await second.close();
  });

  test("goes on from other places, and writes them down once the base is known to be the same", async () => {
    const began = await open({ hashes: { data: "d1" } });
    await began.record({ hashes: { base: "b1" } });
    await began.close();
    const moved = { ...recipe(), model: { ...recipe().model, base: "/elsewhere" } };
    const stored = async () =>
      (JSON.parse(await readFile(join(directory, "recipe.json"), "utf8")) as { recipe: typeof moved }).recipe.model
        .base;
    const second = await resume({ recipe: moved, hashes: { data: "d1" } });
    expect(await stored()).toBe("/base");
    await expect(second.record({ hashes: { base: "b2" } })).rejects.toThrow(/config\.json and end tokens/);
    expect(await stored()).toBe("/base");
    await second.record({ hashes: { base: "b1" } });
    expect(await stored()).toBe("/elsewhere");
    await second.close();
  });

  test("holds the models that its recipe names by folders to what they were", async () => {
    const first = await open();
    await first.identify("sft.path", "one");
    await first.close();
    const second = await resume();
    await second.identify("sft.path", "one");
    await expect(second.identify("sft.path", "another")).rejects.toThrow(/its sft\.path changed/);
    await second.close();
  });

  test("is refused where an older version began it, which recorded less of its base", async () => {
    await (await open({ versions: { drpo: "0.0.9" } })).close();
    const path = join(directory, "recipe.json");
    const { directory: _, ...older } = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    await writeFile(path, JSON.stringify(older));
    const error = await failure(resume());
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).toMatch(/started by an older drpo \(0\.0\.9\).*that version.*--run-dir DIR/s);
    expect((await readRun(directory)).problems).toEqual([]);
  });

  test("is refused where there is none, and nothing is made", async () => {
    const error = await failure(resume());
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).toMatch(/no run to resume/);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("two processes", () => {
  let sources: Awaited<ReturnType<typeof compileSources>>;
  beforeAll(async () => void (sources = await compileSources()));
  afterAll(() => sources.remove());

  test("cannot write one run; after kill -9 the next goes on from the last commit at once", async () => {
    const child = startChild(`
      import { openRunDirectory } from ${JSON.stringify(join(sources.folder, "run/open-run-directory.js"))};
      const run = await openRunDirectory(${JSON.stringify({ directory, recipe: recipe(), resume: false })});
      await run.commit(${JSON.stringify(commit(1))});
      console.log("committed");
      process.stdin.resume();`);
    expect(await child.nextLine()).toBe("committed");
    for (const attempt of [open, resume]) {
      const error = await failure(attempt());
      expect(error).toBeInstanceOf(EnvironmentError);
      expect(error.message).toMatch(new RegExp(`written by process ${child.pid}\\b`));
    }
    await child.kill("SIGKILL");
    const run = await resume();
    expect(run.lastCommit()).toEqual(commit(1));
    await run.close();
  });

  test("in one process count too, until the run is closed", async () => {
    const run = await open();
    expect((await failure(resume())).message).toMatch(new RegExp(`process ${process.pid}\\b`));
    await run.close();
    await (await resume()).close();
  });
});
