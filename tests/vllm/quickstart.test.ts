import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { drpoFolder, type DrpoFolder } from "../commands/drpo-folder.js";
import { ROOT } from "../commands/run-drpo.js";
import { readFinishedRun } from "../recipes/finished-run.js";

/** Nothing but sizes: what the recipe does stays. */
const SHORTENED = {
  "sft.maxResponses": 16,
  "reward.maxResponses": 16,
  "reward.groupSize": 8,
  "reward.scaleRollouts": 8,
  "policy.iterations": 2,
  "policy.rolloutsPerIteration": 8,
  "policy.validation.every": 2,
  "policy.validation.rollouts": 8,
  "evaluation.rollouts": 8,
  "evaluation.heldOutResponses": 8,
  "evaluation.bootstrapResamples": 100,
  "evaluation.examples": 1,
};
const SAMPLERS = [{ kind: "local", engine: "vllm", engineOptions: { max_model_len: 512 } }];

let folder: DrpoFolder;
let directory: string;
beforeAll(async () => {
  const path = await mkdtemp(join(tmpdir(), "drpo-vllm-"));
  folder = drpoFolder(path);
  directory = join(path, "run");
});
afterAll(() => folder.remove());

test("the quickstart, shortened, with a vLLM sampler and a PyTorch trainer", async () => {
  expect(existsSync(join(ROOT, "assets", "smollm2-135m-instruct", "model.safetensors"))).toBe(true);
  const settings = { ...SHORTENED, "server.samplers": SAMPLERS, "server.samplerRows": 4 };
  const set = Object.entries(settings).flatMap(([path, value]) => ["--set", `${path}=${JSON.stringify(value)}`]);
  const recipe = join(ROOT, "recipes", "reviews.json");
  const run = await folder.drpo(["train", recipe, "--run-dir", directory, ...set]);
  expect(run.stderr).toMatch(/samplers: 1 x vllm 0\.32\.0 on cpu/);
  expect(run.exitCode).toBe(0);

  // The probe was asked after every sync, at the default tolerance, or the run would have stopped.
  const { recipe: resolved, metrics, rollouts } = await readFinishedRun(directory);
  expect(resolved.server.probeTolerance).toBe(1e-3);
  expect(rollouts).toHaveLength(2 * 8);
  // Not a probe but the rollouts themselves: log-probs of the sampler, and of the trainer that wrote no token of them.
  for (const { samplerTrainerGap, samplerTrainerGapMax } of metrics) {
    expect(samplerTrainerGap).toBeGreaterThan(0);
    expect(samplerTrainerGap).toBeLessThan(1e-3);
    expect(samplerTrainerGapMax).toBeLessThan(1e-2);
  }
  const log = await readFile(join(directory, "samplers", "1.log"), "utf8");
  expect(log).toContain("serving on 127.0.0.1:");
}, 900_000);
