import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, CorruptStateError, EnvironmentError } from "../../src/errors.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { readSweep } from "../../src/run/read-sweep.js";
import type { StoredSweepRun } from "../../src/run/sweep-files.js";
import { openSweepFolder } from "../../src/sweep/sweep-folder.js";
import { commit, recipe } from "../run/run-fixtures.js";

const sweepRun = (name: string, changes: Partial<StoredSweepRun> = {}): StoredSweepRun => ({
  ...{ name, configuration: name, directory: name, recipe: "/r.json", settings: ["seed=1"], seed: 1, recipeHash: "aa" },
  ...changes,
});

describe("a sweep's folder", () => {
  let parent: string;
  let directory: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "drpo-sweep-"));
    directory = join(parent, "sweep");
  });
  afterEach(() => rm(parent, { recursive: true }));

  const open = (runs: readonly StoredSweepRun[]) => openSweepFolder({ directory, name: "s", runs });
  const openRun = (name: string) =>
    openRunDirectory({ directory: join(directory, name), recipe: recipe(), resume: false });
  const states = async () => {
    const { runs } = await readSweep(directory);
    return Object.fromEntries(runs.map(({ name, state }) => [name, [state.status, state.message]]));
  };

  test("is one process's at a time", async () => {
    const folder = await open([sweepRun("a")]);
    await expect(open([sweepRun("a")])).rejects.toThrow(EnvironmentError);
    await expect(open([sweepRun("a")])).rejects.toThrow(new RegExp(`Process ${process.pid} works on the sweep`));
    await folder.close();
    await (await open([sweepRun("a")])).close();
  });

  test("takes runs that were added, and no others than it began with", async () => {
    await (await open([sweepRun("a"), sweepRun("b")])).close();
    const before = await readFile(join(directory, "sweep.json"), "utf8");
    const changed = open([
      sweepRun("a", { settings: ["seed=1", "policy.klCoef=1"] }),
      sweepRun("c", { recipeHash: "bb" }),
    ]);
    await expect(changed).rejects.toThrow(BadInputError);
    await expect(changed).rejects.toThrow(
      /began with other runs:\n {2}a: policy\.klCoef=1 is new\n {2}b: was a run of this sweep, and is none now\n/,
    );
    await expect(open([sweepRun("a", { recipeHash: "bb" }), sweepRun("b")])).rejects.toThrow(
      /a: \/r\.json says something else now/,
    );
    expect(await readFile(join(directory, "sweep.json"), "utf8")).toBe(before);
    await (await open([sweepRun("a"), sweepRun("c"), sweepRun("b")])).close();
    expect(Object.keys(await states())).toEqual(["a", "c", "b"]);
  });

  test("is not a folder with other files, nor one that holds no sweep", async () => {
    await expect(readSweep(directory)).rejects.toThrow(BadInputError);
    await (await openSweepFolder({ directory: parent, name: "s", runs: [] })).close();
    await rm(join(parent, "sweep.json"));
    await writeFile(join(parent, "thesis.tex"), "");
    await expect(openSweepFolder({ directory: parent, name: "s", runs: [] })).rejects.toThrow(/thesis\.tex/);
  });

  test("tells how each run stands by the run's own folder", async () => {
    const folder = await open(["new", "running", "done", "failed", "killed"].map((name) => sweepRun(name)));
    const running = await openRun("running");
    for (const [name, outcome, message] of [
      ["done", "done", null],
      ["failed", "failed", "the loss is NaN"],
    ] as const) {
      const run = await openRun(name);
      await run.commit(commit(3));
      await run.end(outcome, message);
      await run.close();
    }
    await (await openRun("killed")).close();
    expect(await states()).toEqual({
      new: ["waiting", null],
      running: ["running", null],
      done: ["done", null],
      failed: ["failed", "the loss is NaN"],
      killed: ["interrupted", expect.any(String)],
    });
    await running.close();
    await folder.close();
  });

  test("tells what a run could not: that it was killed, or failed before it had a folder", async () => {
    const folder = await open([sweepRun("killed"), sweepRun("unborn"), sweepRun("again")]);
    for (const name of ["killed", "again"]) await (await openRun(name)).close();
    for (const name of ["killed", "unborn", "again"]) {
      await folder.launched(name);
      await folder.ended(name, "no memory");
    }
    await folder.launched("again", { name: "drpo-ab_3", id: "17_3" });
    expect(await states()).toEqual({
      killed: ["failed", "no memory"],
      unborn: ["failed", "no memory"],
      again: ["interrupted", expect.any(String)],
    });
    expect((await readSweep(directory)).runs.map(({ job }) => job)).toEqual([
      null,
      null,
      { name: "drpo-ab_3", id: "17_3" },
    ]);
    await folder.close();
  });

  test("shows the rest beside a broken run and a torn line", async () => {
    const folder = await open([sweepRun("broken"), sweepRun("whole")]);
    await folder.launched("whole");
    for (const name of ["broken", "whole"]) {
      const run = await openRun(name);
      await run.end("done", null);
      await run.close();
    }
    await folder.close();
    await writeFile(join(directory, "broken", "recipe.json"), "{");
    const path = join(directory, "launches.jsonl");
    await writeFile(path, `${await readFile(path, "utf8")}{"event":"ended","ru`);
    const reading = await readSweep(directory);
    expect(reading.runs.map(({ state }) => state.status)).toEqual(["failed", "done"]);
    expect(reading.problems).toEqual([expect.stringMatching(/^broken: .*recipe\.json is damaged/)]);
    await (await open([sweepRun("broken"), sweepRun("whole")])).close();
    expect(await readFile(path, "utf8")).toMatch(/\}\n$/);
    await writeFile(join(directory, "sweep.json"), "[]");
    await expect(readSweep(directory)).rejects.toThrow(CorruptStateError);
  });
});
