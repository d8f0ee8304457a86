import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readRun } from "../../src/run/read-run.js";
import { createTinyProject, hasPython, tinyRecipe, type TinyProject } from "./tiny-project.js";

/** The recipe of train.test.ts, shortened, on a trainer of two processes. */
(hasPython ? describe : describe.skip)("drpo train with server.processes 2", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    await project.writeRecipe({
      server: { kind: "local", threads: 1, processes: 2, activationCheckpointing: true },
      policy: { ...tinyRecipe.policy, iterations: 2 },
    });
  }, 120_000);
  afterAll(() => project.remove());

  test("trains, samples, evaluates and keeps checkpoints of both", async () => {
    const outcome = await project.drpo(["train", "recipe.json", "--run-dir", "run", "--json"]);
    expect(outcome.stderr).toMatch(/model server: torch .* 2 processes/);
    expect(outcome.exitCode).toBe(0);
    const directory = join(project.folder, "run");
    const run = await readRun(directory);
    expect(run.problems).toEqual([]);
    expect(run.lastCommit?.iteration).toBe(2);
    expect(run.evaluation?.policy.score.n).toBe(16);
    const checkpoints = await readdir(join(directory, "checkpoints"), { recursive: true });
    for (const shard of ["shard-00001", "shard-00002"])
      expect(checkpoints).toContainEqual(
        expect.stringMatching(new RegExp(`policy\\.weights/${shard}-.*\\.safetensors$`)),
      );
    // Sampler and trainer are the same weights, gathered or not.
    const policy = run.metrics.filter(({ stage }) => stage === "policy");
    expect(policy).toHaveLength(2);
    for (const one of policy) expect(one.metrics["samplerTrainerGapMax"]).toBeLessThan(1e-4);
  }, 300_000);

  test("a server that cannot start says why, whatever torchrun says besides", async () => {
    const args = ["train", "recipe.json", "--run-dir", "refused", "--set", "server.device=cuda"];
    const { stderr, exitCode } = await project.drpo(args);
    expect(stderr).toMatch(/could not start: --device cuda:[01] cannot be used/);
    expect(exitCode).toBe(3);
  }, 120_000);

  test("one device for two processes is refused before anything is started", async () => {
    const args = ["train", "recipe.json", "--run-dir", "refused", "--set", "server.device=cuda:0"];
    const { stderr, exitCode } = await project.drpo(args);
    expect(stderr).toMatch(/server\.device is "cuda:0" and server\.processes is 2: say "cuda"/);
    expect(exitCode).toBe(2);
  });
});
