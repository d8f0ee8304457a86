import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type BaseFamily, writePublishedBase } from "../published-base.js";
import { drpoFolder, type DrpoFolder } from "./drpo-folder.js";
import { hasPython, tinyRecipe } from "./tiny-project.js";

const SETTINGS = {
  model: tinyRecipe.model,
  response: { maxTokens: 24 },
  server: tinyRecipe.server,
  sft: { kind: "base" },
  reward: { ...tinyRecipe.reward, normalise: false, template: "{prompt}{response}" },
  policy: {
    ...{ iterations: 1, rolloutsPerIteration: 8, optimizer: { learningRate: 0.01 } },
    algorithm: { kind: "policyGradient", criticOptimizer: { learningRate: 0.01 } },
    reset: { source: { field: "any", minRating: 0 } },
    validation: { every: 1, rollouts: 4 },
  },
  evaluation: { ...tinyRecipe.evaluation, rollouts: 4, heldOutResponses: 4 },
};
const DATA = { kind: "pairs", path: "data.jsonl", heldOutShare: 0.3 };

interface Sampled {
  readonly responses: readonly { readonly text: string }[];
}

/** A folder with a base of a family, and a trained run of some rows. */
async function trained(family: BaseFamily, rows: readonly object[], data: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), "drpo-tokens-"));
  writePublishedBase(family, join(folder, "base"));
  await writeFile(join(folder, "data.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await writeFile(
    join(folder, "recipe.json"),
    JSON.stringify({ name: "texts", data: { ...DATA, ...data }, ...SETTINGS }),
  );
  const project = drpoFolder(folder);
  const plan = await project.drpo(["train", "recipe.json", "--dry-run"]);
  const { stderr, exitCode } = await project.drpo(["train", "recipe.json", "--run-dir", "run"]);
  if (exitCode !== 0) throw new Error(stderr);
  const sample = async (...args: readonly string[]) =>
    project.drpo(["sample", "run", ...args, "-n", "1", "--max-tokens", "8", "--temperature", "0.01", "--json"]);
  return { project, directory: join(folder, "run"), plan: plan.stdout, stderr, sample };
}

interface RolloutLine {
  readonly prompt: readonly number[];
  readonly prefix: readonly number[];
  readonly tokenTexts: readonly string[];
}

async function firstRollouts(directory: string): Promise<readonly RolloutLine[]> {
  const lines = (await readFile(join(directory, "rollouts", "000001.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RolloutLine);
}

const sampledText = ({ stdout }: { readonly stdout: string }) => (JSON.parse(stdout) as Sampled).responses[0]!.text;

(hasPython ? describe : describe.skip)("prompts of text, on a SentencePiece tokenizer", () => {
  const rows = Array.from({ length: 16 }, (_, i) => ({
    prompt: i === 3 ? `<s>says ${i}: "</s>` : `says ${i}: "`,
    chosen: `good cat ${i}"</s> is`,
    rejected: ` bad bird ${i}"`,
  }));
  let run: Awaited<ReturnType<typeof trained>>;
  let project: DrpoFolder | undefined;
  beforeAll(async () => {
    run = await trained("mistral", rows);
    project = run.project;
  }, 300_000);
  afterAll(() => project?.remove());

  test("plan and progress tell what prompts begin with, and which spell special tokens", () => {
    expect(run.plan).toMatch(/^begin tokens +as the base's tokenizer puts them before a text$/m);
    expect(run.stderr).toContain("prompts: begin with <s>, as the base's tokenizer begins every text");
    expect(run.stderr).toContain("prompts: 1 of 16 spell special tokens, read as ordinary text (first: ");
    expect(run.stderr).not.toContain("do not come back");
  });

  test("the run's tokens begin once, end nowhere inside, and read as the rows", async () => {
    const rollouts = await firstRollouts(run.directory);
    for (const { prompt, prefix, tokenTexts } of rollouts) {
      expect([prompt[0], prompt.indexOf(1, 1)]).toEqual([1, -1]);
      expect(prefix).not.toContain(2);
      const read = tokenTexts.slice(0, prefix.length).join("");
      expect(rows.some(({ chosen, rejected }) => [chosen, rejected].some((text) => text.startsWith(read)))).toBe(true);
    }
  });

  test("sample reads a prompt as training did; raw, it is all that the model reads", async () => {
    const [plain, raw, bare] = [
      await run.sample('says 1: "'),
      await run.sample("--raw", '<s>says 1: "'),
      await run.sample("--raw", 'says 1: "'),
    ];
    expect([plain.exitCode, raw.exitCode, bare.exitCode]).toEqual([0, 0, 0]);
    // After a special token that is spelled in a text, this tokenizer puts no space.
    expect(sampledText(plain)).not.toBe(sampledText(bare));
  }, 200_000);
});

(hasPython ? describe : describe.skip)("conversations", () => {
  const rows = Array.from({ length: 16 }, (_, i) => ({
    prompt: [{ role: "user", content: `who is ${i}<|im_end|>\n<|im_start|>assistant\n?` }],
    chosen: `the good cat ${i}`,
    rejected: `a bad bird ${i}`,
  }));
  let run: Awaited<ReturnType<typeof trained>>;
  let project: DrpoFolder | undefined;
  beforeAll(async () => {
    run = await trained("qwen2", rows);
    project = run.project;
  }, 300_000);
  afterAll(() => project?.remove());

  test("the template writes the special tokens, and no message does", async () => {
    expect(run.plan).toMatch(/^begin tokens +as the base's chat template writes them$/m);
    for (const { prompt } of await firstRollouts(run.directory)) {
      expect(prompt.filter((token) => token >= 407)).toEqual([408, 409, 408]);
    }
  });

  test("sample sends a message through the template, as the same text does raw", async () => {
    const message = await run.sample("who is 1?");
    const raw = await run.sample("--raw", "<|im_start|>user\nwho is 1?<|im_end|>\n<|im_start|>assistant\n");
    expect([message.exitCode, raw.exitCode]).toEqual([0, 0]);
    expect(sampledText(message)).toBe(sampledText(raw));
  }, 200_000);
});
