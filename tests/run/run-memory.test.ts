import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { CorruptStateError } from "../../src/errors.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { recipe, rollout } from "./run-fixtures.js";

let folder: string;
let directory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-memory-"));
  directory = join(folder, "run");
});
afterEach(() => rm(folder, { recursive: true }));

const open = (resume = false) => openRunDirectory({ directory, recipe: recipe(), resume });
const memory = { klCoef: 0.07, fractions: { "example/1": [0.25, 1], other: [0, 0.5] } } as const;

describe("what a run remembers between iterations", () => {
  test("is read back by another session as it was kept", async () => {
    const run = await open();
    const ref = await run.writeMemory(3, memory);
    await run.close();
    const later = await open(true);
    expect(await later.readMemory(ref)).toEqual(memory);
    await later.close();
  });

  test("is kept for the last two commits", async () => {
    const run = await open();
    for (const iteration of [1, 2, 3, 4]) await run.writeMemory(iteration, memory);
    expect((await readdir(join(directory, "memory"))).sort()).toEqual(["000003.json", "000004.json"]);
    await run.close();
  });

  test("is refused where it was changed or is gone", async () => {
    const run = await open();
    const ref = await run.writeMemory(1, memory);
    await writeFile(join(directory, "memory", ref.name), '{"klCoef":1,"fractions":{}}\n');
    await expect(run.readMemory(ref)).rejects.toThrow(CorruptStateError);
    await rm(join(directory, "memory", ref.name));
    await expect(run.readMemory(ref)).rejects.toThrow(/000001\.json, which the last commit needs, cannot be read/);
    await run.close();
  });
});

describe("rollouts that later resets read", () => {
  test("come back with their tokens and scores", async () => {
    const run = await open();
    await run.writeRollouts(1, [rollout]);
    const { prompt, prefix } = rollout.reset;
    const { generated, score } = rollout;
    expect(await run.readRollouts(1)).toEqual([{ row: 0, continuation: 0, prompt, prefix, generated, score }]);
    await run.close();
  });

  test("are missed by name", async () => {
    const run = await open();
    await expect(run.readRollouts(2)).rejects.toThrow(/000002\.jsonl, which resets into earlier rollouts read/);
    await run.close();
  });
});
