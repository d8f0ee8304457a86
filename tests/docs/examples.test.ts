import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { z } from "zod";
import { ALGORITHMS, algorithmRegistry } from "../../src/commands/algorithm-registry.js";
import { recipeSchema } from "../../src/config/recipe.js";
import type { StoredRollout } from "../../src/ports/run-directory.js";
import type { AlgorithmDefinition } from "../../src/drpo/algorithms/define-algorithm.js";
import { createResetSampler } from "../../src/drpo/resets/reset-sampler.js";
import type { ResetSource } from "../../src/drpo/resets/reset-source.js";
import { uniformCut } from "../../src/drpo/resets/uniform-cut.js";
import { tensorboardLoggerOptions } from "../../src/loggers/tensorboard-logger.js";
import { lexiconJudgeOptions } from "../../src/judge/lexicon-judge.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import { EOS, MAX_TOKENS, newTinyRun, PROMPT, startTinyTestbed, tinyRecipe } from "../stages/tiny-run.js";
import { readAlgorithmsPage, ROOT } from "./algorithms-page.js";
import { trainTiny } from "./train-tiny.js";

/** The TypeScript examples that are files: their first line says which. */
let files: ReadonlyMap<string, string>;
let line: string;
let folder: string;

beforeAll(async () => {
  const blocks = (await readAlgorithmsPage()).blocks("ts");
  const named = blocks.flatMap((body) => {
    const path = /^\/\/ (\S+\.ts)\n/.exec(body)?.[1];
    return path === undefined ? [] : [[resolve(ROOT, path), body] as const];
  });
  files = new Map(named);
  line = blocks.find((body) => body.startsWith("export const ALGORITHMS"))!.trim();
  // Outside of the repository, so that nothing in it is ever left behind; packages are the repository's.
  folder = await mkdtemp(join(tmpdir(), "drpo-docs-"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
});
afterAll(() => rm(folder, { recursive: true }));

/** Loads an example as if it stood where its first line says. */
async function load<Exports>(name: string): Promise<Exports> {
  const [path, body] = [...files].find(([path]) => basename(path) === name)!;
  const absolute = body.replace(/from "(\.[^"]*)\.js"/g, (_, to: string) => `from "${resolve(dirname(path), to)}"`);
  const copy = join(folder, name);
  await writeFile(copy, absolute);
  return (await import(copy)) as Exports;
}

test("the examples pass the type checker where they are to stand", () => {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const paths = { drpo: [join(ROOT, "src/index.ts")] };
  const host = ts.createCompilerHost({ ...options, paths });
  const onDisk = { ...host };
  host.fileExists = (path) => files.has(path) || onDisk.fileExists(path);
  host.readFile = (path) => files.get(path) ?? onDisk.readFile(path);
  host.getSourceFile = (path, target, ...rest) =>
    files.has(path) ? ts.createSourceFile(path, files.get(path)!, target) : onDisk.getSourceFile(path, target, ...rest);
  const program = ts.createProgram([...files.keys()], { ...options, paths }, host);
  const problems = [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(files.size).toBe(2);
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
}, 120_000);

/** Its options are checked by its schema. */
interface Reinforce {
  readonly reinforce: AlgorithmDefinition<z.ZodObject<{ kind: z.ZodLiteral<"reinforce"> }>>;
}

describe("adding an on-policy optimiser", () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await startTinyTestbed();
  });
  afterAll(() => testbed.close());

  test("the line is that of the registry, and one name more", async () => {
    const registry = await readFile(join(ROOT, "src/commands/algorithm-registry.ts"), "utf8");
    const now = /^export const ALGORITHMS = .*$/m.exec(registry)![0];
    expect(line).toBe(now.replace("] as const", ", reinforce] as const"));
  });

  test.each(["batchMean", 0])(
    "with the baseline %s it raises the exact goodness of what the policy writes from the prompt",
    async (baseline) => {
      const { reinforce } = await load<Reinforce>("reinforce.ts");
      const algorithms = algorithmRegistry([...ALGORITHMS, reinforce]);
      const schema = recipeSchema({
        algorithm: algorithms.schema,
        judge: z.discriminatedUnion("kind", [lexiconJudgeOptions]),
        rewards: [],
        loggers: [tensorboardLoggerOptions],
      });
      const { policy, evaluation, ...recipe } = tinyRecipe();
      const parsed = schema.parse({
        ...recipe,
        evaluation: { ...evaluation, rollouts: 8, bootstrapResamples: 100 },
        policy: { ...policy, lossMean: "budget", algorithm: { kind: "reinforce", baseline } },
      });
      if (parsed.policy.kind !== "online") throw new Error("The tiny recipe is an online one.");
      const { runId, metrics } = await trainTiny(testbed, await newTinyRun(), parsed, algorithms.create(parsed.policy));

      const tree = { context: PROMPT, maxNewTokens: MAX_TOKENS, eosTokenId: EOS };
      const goodness = (model: string) =>
        expectedReturn(testbed.policy(runId, model), tree, ({ tokens }) =>
          tokens.reduce((sum, token) => sum + (token === 1 ? 1 : token === 2 ? -1 : 0), 0),
        );
      expect(goodness("policy")).toBeGreaterThan(goodness("reference") + 0.3);
      expect(metrics.filter(({ stage }) => stage === "policy")).toHaveLength(12);
    },
  );

  test("options that it does not know are refused by its own schema", async () => {
    const { reinforce } = await load<Reinforce>("reinforce.ts");
    expect(reinforce.options.safeParse({ kind: "reinforce" }).data).toMatchObject({
      baseline: "batchMean",
      minibatches: 1,
    });
    expect(reinforce.options.safeParse({ kind: "reinforce", basline: 0 }).success).toBe(false);
  });
});

test("the source of one's own: prompts at first, then the best rollout of each row, with its place in the tree", async () => {
  const { bestOfGroups } = await load<{
    readonly bestOfGroups: (
      run: { readRollouts(iteration: number): Promise<readonly StoredRollout[]> },
      prompts: readonly (readonly number[])[],
    ) => ResetSource;
  }>("best-of-groups.ts");
  const rollout = (row: number, continuation: number, score: number): StoredRollout => ({
    ...{ row, continuation, score, prompt: [0], prefix: [row], generated: [continuation, continuation, EOS] },
  });
  const asked: number[] = [];
  const source = bestOfGroups(
    {
      readRollouts: (iteration) => {
        asked.push(iteration);
        return Promise.resolve([rollout(0, 0, 1), rollout(0, 1, 2), rollout(1, 0, 3), rollout(1, 1, -1)]);
      },
    },
    [[0]],
  );
  const sampler = createResetSampler({
    ...{ source, selector: uniformCut("released"), budget: 8, contextTokens: 16, endTokenIds: [EOS], iterations: 2 },
    spec: { proportion: 1, continuations: 1, prefixCountsInBudget: true, endOfSequenceCounts: true },
    ...{ rolloutsPerIteration: 32, seed: 1 },
  });
  const handle = { name: "policy", version: { generation: 1n, optimizerStep: 0n, weightsHash: "" } };
  const models = { policy: handle, critic: null, reference: handle };

  for (const { prefix } of await sampler.draw({ iteration: 0, models }, {})) expect(prefix).toEqual([]);
  const drawn = await sampler.draw({ iteration: 3, models }, {});
  expect(asked).toEqual([3]);
  const parents = new Set(drawn.map(({ parent }) => `${parent!.iteration}/${parent!.row}/${parent!.continuation}`));
  expect(parents).toEqual(new Set(["3/0/1", "3/1/0"]));
  for (const { prefix, parent } of drawn) {
    const { row, continuation } = parent!;
    expect(prefix).toEqual([row, continuation, continuation, EOS].slice(0, prefix.length));
    expect(prefix.length).toBeGreaterThan(0);
  }
});
