import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { checkpointHashes, journalHas } from "./committed-run.js";
import { createTinyProject, hasPython, tinyRecipe, type TinyProject } from "./tiny-project.js";

const describeWithPython = hasPython ? describe : describe.skip;
const MINUTES = 60_000;

/** A run is what its files hold, not where they are. */
describeWithPython("a project whose files move", () => {
  let project: TinyProject;
  const inProject = (...names: string[]) => join(project.folder, ...names);
  const succeeds = async (args: readonly string[]) => {
    const outcome = await project.drpo(args);
    expect([outcome.stderr, outcome.exitCode]).toEqual([expect.any(String), 0]);
    return outcome;
  };

  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    await project.writeRecipe({ policy: { ...tinyRecipe.policy, iterations: 2 } });
    // In a folder of its own, which moves as a whole.
    await mkdir(inProject("home"));
    for (const name of ["base", "data.jsonl", "recipe.json"]) await rename(inProject(name), inProject("home", name));
    await succeeds(["train", "home/recipe.json", "--run-dir", "home/undisturbed"]);
  }, 5 * MINUTES);
  afterAll(() => project.remove());

  test(
    "goes on where it was killed with the very same weights, and is sampled",
    async () => {
      const child = project.start(["train", "home/recipe.json", "--run-dir", "home/run"]);
      await journalHas(inProject("home", "run", "journal.jsonl"), '"event":"commit"', child);
      child.kill("SIGKILL");
      await child.ended;
      await rename(inProject("home"), inProject("moved"));
      await succeeds(["train", "moved/recipe.json", "--resume", "--run-dir", "moved/run"]);
      expect(await checkpointHashes(inProject("moved", "run"), 2)).toEqual(
        await checkpointHashes(inProject("moved", "undisturbed"), 2),
      );
      await succeeds(["sample", "moved/run", "-n", "1", "--model", "sft", "--max-tokens", "2"]);
    },
    5 * MINUTES,
  );

  test(
    "is told where a base that moved alone is; a copy of the base is the same base",
    async () => {
      await cp(inProject("moved", "base"), inProject("copy"), { recursive: true });
      await rm(inProject("moved", "base"), { recursive: true });
      for (const args of [
        ["train", "--resume", "--run-dir", "moved/run"],
        ["export", "moved/run", "--to", "out"],
      ]) {
        const { stderr, exitCode } = await project.drpo(args);
        expect(stderr).toMatch(/nothing at .*moved\/base.*--set model\.base=PATH/s);
        expect(exitCode).toBe(2);
      }
      await succeeds(["export", "moved/run", "--to", "out", "--set", "model.base=copy"]);
      const again = ["train", "moved/recipe.json", "--run-dir", "again", "--set", "model.base=../copy"];
      const { stderr } = await succeeds(again);
      expect(stderr).toMatch(/sft: reused from the cache[\s\S]*reward: reused from the cache/);
    },
    5 * MINUTES,
  );

  test(
    "another norm epsilon in config.json is another base: a resume is refused",
    async () => {
      const file = inProject("copy", "config.json");
      const config = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
      await writeFile(file, JSON.stringify({ ...config, rms_norm_eps: 0.01 }));
      const { stderr, exitCode } = await project.drpo(["train", "--resume", "--run-dir", "again"]);
      expect(stderr).toMatch(/its base changed.*config\.json/s);
      expect(exitCode).toBe(2);
    },
    5 * MINUTES,
  );
});
