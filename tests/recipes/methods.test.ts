import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readRun } from "../../src/run/read-run.js";
import { readSafetensors } from "../compat/read-safetensors.js";
import { createTinyProject, hasPython, tinyRecipe, type TinyProject } from "../commands/tiny-project.js";

const optimizer = { learningRate: 0.01 };
const source = { field: "any", minRating: 0 };
const short = { ...tinyRecipe.policy, iterations: 2, validation: { every: 2, rollouts: 4 } };

/** Each is one run of the command line against the Python server; SFT and reward model come from the cache. */
const RUNS: Readonly<Record<string, object>> = {
  "policy gradient": { algorithm: { kind: "policyGradient", criticOptimizer: optimizer } },
  RLOO: { algorithm: { kind: "rloo" }, reset: { source, continuations: 4 }, lossMean: "budget" },
  GRPO: {
    ...{ algorithm: { kind: "grpo", epochs: 2 }, reset: { source, continuations: 4 }, lossMean: "responses" },
    ...{ klPlacement: "loss", klEstimator: "k3" },
  },
  REBEL: { algorithm: { kind: "rebel" }, reset: { source, continuations: 2 } },
  NPG: {
    algorithm: { kind: "npg", eta: 0.5, criticOptimizer: optimizer },
    reset: { source: { ...source, splitOverIterations: true }, selector: { law: "theory" }, continuations: 2 },
  },
  "PPO++": { reset: { source: { kind: "livePolicy", sampling: { topP: 0.92 } } } },
  "own rollouts, prefix beside the budget": { reset: { source: { kind: "ownRollouts" }, prefixCountsInBudget: false } },
  "a pool of token ids": { reset: { source: { kind: "pool", path: "pool.jsonl" }, selector: { kind: "whole" } } },
  "a schedule, policy gradient on the prefix": {
    reset: { source, selector: { kind: "scheduledFraction" }, lossOnPrefix: { kind: "policyGradient" } },
  },
  "steps, cross-entropy on the prefix": {
    reset: { source, selector: { kind: "steps", delimiter: "w" }, lossOnPrefix: { kind: "crossEntropy" } },
  },
  "a user's function, a condition": {
    reset: {
      ...{ source, selector: { kind: "function", module: "cut.ts" } },
      condition: { rollouts: 2, scoreBelow: 1000 },
    },
  },
  "an adaptive fraction, weights of sampler and trainer, an early stop": {
    ...{ reset: { source, selector: { kind: "adaptiveFraction", scoreThreshold: 0 } }, maxImportanceWeight: 2 },
    ...{ targetKl: 1e-9, adaptiveKl: { target: 1 } },
  },
};

(hasPython ? describe : describe.skip)("a short run on the real server", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    await writeFile(join(project.folder, "pool.jsonl"), '{"prompt":"w1 w2","responseTokens":[5,6,7]}\n');
    await writeFile(
      join(project.folder, "cut.ts"),
      "export default ({ length, random }: { length: number; random: () => number }) => Math.floor(length * random());\n",
    );
  }, 60_000);
  afterAll(() => project.remove());

  test.each(Object.keys(RUNS))(
    "%s",
    async (name) => {
      const directory = join(project.folder, name.replaceAll(/\W+/g, "-"));
      await project.writeRecipe({ policy: { ...short, ...RUNS[name] } });
      const { stderr, exitCode } = await project.drpo(["train", "recipe.json", "--run-dir", directory]);
      expect({ stderr: exitCode === 0 ? "" : stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
      const { metrics, evaluation, problems } = await readRun(directory);
      expect(problems).toEqual([]);
      expect(evaluation!.policy.score.n).toBe(16);
      const policy = metrics.filter(({ stage }) => stage === "policy");
      expect(policy.map(({ iteration }) => iteration)).toEqual([1, 2]);
      for (const one of policy) {
        for (const value of Object.values(one.metrics)) expect(Number.isFinite(value)).toBe(true);
        expect(one.metrics["samplerTrainerGapMax"]).toBeLessThan(1e-4);
      }
      // The policy that wrote the first batch is SFT.
      expect(policy[0]!.metrics["kl"]).toBeCloseTo(0, 4);
      const rollouts = (await readFile(join(directory, "rollouts", "000002.jsonl"), "utf8")).trim().split("\n");
      expect(rollouts).toHaveLength(8);
    },
    120_000,
  );

  test("a reward model that starts from SFT, all weights trained", async () => {
    const directory = join(project.folder, "from-sft");
    // A rate at which nothing moves: what it ends with is what it began with.
    const reward = { ...tinyRecipe.reward, startFrom: "sft", optimizer: { learningRate: 1e-12 } };
    const model = { base: "base", shape: { kind: "full" } };
    await project.writeRecipe({ model, reward, policy: short });
    const cache = join(project.folder, "cache-of-its-own");
    const { stderr, exitCode } = await project.drpo(["train", "recipe.json", "--run-dir", directory], {
      environment: { DRPO_CACHE_DIR: cache },
    });
    expect({ stderr: exitCode === 0 ? "" : stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const folders = await readdir(join(cache, "stages"));
    const weights = (stage: string, file: string) =>
      readSafetensors(
        join(
          cache,
          "stages",
          folders.find((name) => name.startsWith(stage) && !name.endsWith(".json"))!,
          file,
        ),
      );
    const [sft, rewardModel] = [weights("sft", "reference.safetensors"), weights("reward", "reward-model.safetensors")];
    const shared = [...sft.keys()].filter((name) => rewardModel.has(name));
    expect(shared.length).toBeGreaterThan(10);
    for (const name of shared) {
      const [a, b] = [sft.get(name)!, rewardModel.get(name)!];
      expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))).toBeLessThan(1e-6);
    }
  }, 120_000);
});
