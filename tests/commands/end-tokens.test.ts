import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { writePublishedBase } from "../published-base.js";
import { createTinyProject, hasPython, type TinyProject, tinyRecipe } from "./tiny-project.js";

/** Llama 3's <|eot_id|>, which its tokenizer names; generation_config.json lists many others. */
const TURN_END = 411;
const LISTED = Array.from({ length: 120 }, (_, i) => 30 + i);

interface Line {
  readonly generated: number[];
  readonly prefix: number[];
  readonly finishReason: string;
  readonly score: number;
}

const lines = async <T>(file: string): Promise<T[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

(hasPython ? describe : describe.skip)("a base whose files list many end tokens", () => {
  let project: TinyProject;
  const isEnd = (token: number) => token === TURN_END || LISTED.includes(token);

  beforeAll(async () => {
    project = await createTinyProject();
    const base = join(project.folder, "base");
    await rm(base, { recursive: true });
    writePublishedBase("llama3", base);
    await writeFile(join(base, "generation_config.json"), JSON.stringify({ eos_token_id: LISTED }));
    const path = await project.writeRecipe({
      response: { maxTokens: 16 },
      sft: { kind: "base" },
      reward: { kind: "train", epochs: 1, groupSize: 4, scaleRollouts: 8, optimizer: { learningRate: 0.01 } },
      policy: { ...tinyRecipe.policy, iterations: 2, missingEosScore: -50 },
    });
    const { exitCode, stderr } = await project.drpo(["train", path, "--run-dir", "run"]);
    expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
  }, 300_000);
  afterAll(() => project?.remove());

  test("training rollouts end at each of them, and the missing-end rule knows them", async () => {
    const run = join(project.folder, "run", "rollouts");
    const rollouts = (await Promise.all([1, 2].map((i) => lines<Line>(join(run, `00000${i}.jsonl`))))).flat();
    expect(rollouts.some(({ finishReason }) => finishReason === "stop")).toBe(true);
    for (const { generated, finishReason, score } of rollouts) {
      expect(generated.slice(0, -1).filter(isEnd)).toEqual([]);
      expect(finishReason === "stop").toBe(isEnd(generated.at(-1)!));
      expect(score === -50).toBe(finishReason !== "stop");
    }
  });

  test("evaluated and sampled responses end, too", async () => {
    const written = await lines<{ ended: boolean; responseTokens: number }>(
      join(project.folder, "run", "evaluation", "policy.jsonl"),
    );
    expect(written.filter(({ ended }) => ended).length).toBeGreaterThan(written.length / 2);
    const { stdout } = await project.drpo(["sample", "run", "w1 w2", "-n", "8", "--json"]);
    const { responses } = JSON.parse(stdout) as { responses: { ended: boolean; tokens: number }[] };
    expect(responses.some(({ ended, tokens }) => ended && tokens < 16)).toBe(true);
  }, 120_000);

  test("the exported folder lists them all", async () => {
    const { exitCode, stderr } = await project.drpo(["export", "run", "--format", "merged", "--to", "exported"]);
    expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
    const settings = JSON.parse(await readFile(join(project.folder, "exported", "generation_config.json"), "utf8")) as {
      eos_token_id: number[];
    };
    expect(new Set(settings.eos_token_id)).toEqual(new Set([TURN_END, ...LISTED]));
  }, 120_000);

  test("one that is no token is bad input, and named", async () => {
    const file = join(project.folder, "base", "generation_config.json");
    await writeFile(file, JSON.stringify({ eos_token_id: "<|eot_id|>" }));
    const { exitCode, stderr } = await project.drpo(["train", "recipe.json", "--run-dir", "refused"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('generation_config.json: eos_token_id is "<|eot_id|>"');
  }, 120_000);
});

(hasPython ? describe : describe.skip)("models of another tokenizer", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject();
    await rm(join(project.folder, "base"), { recursive: true });
    writePublishedBase("llama3", join(project.folder, "base"));
    writePublishedBase("mistral", join(project.folder, "other"));
  }, 120_000);
  afterAll(() => project?.remove());

  const livePolicy = { kind: "livePolicy", writer: { kind: "folder", path: "other" } };
  test.each([
    ["a reward model", { reward: { kind: "folder", path: "other" } }],
    ["a guide", { policy: { ...tinyRecipe.policy, reset: { source: livePolicy } } }],
    [
      "a judge",
      {
        evaluation: {
          ...tinyRecipe.evaluation,
          judges: [{ kind: "rewardModel", reward: { kind: "folder", path: "other" } }],
        },
      },
    ],
  ])(
    "%s is refused, with both folders and the first token that differs",
    async (_what, changes) => {
      await project.writeRecipe(changes);
      const { exitCode, stderr } = await project.drpo(["train", "recipe.json", "--run-dir", "run"]);
      expect(exitCode).toBe(2);
      for (const part of [join(project.folder, "other"), join(project.folder, "base"), 'token 0 is "<unk>"'])
        expect(stderr).toContain(part);
      await rm(join(project.folder, "run"), { recursive: true, force: true });
    },
    120_000,
  );
});
