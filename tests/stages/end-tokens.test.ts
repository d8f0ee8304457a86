import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import { startTestbed, type Testbed, type TestbedOptions } from "../../src/testbed/start-testbed.js";
import { newTinyRun, runTiny, tinyRecipe } from "./tiny-run.js";

/** Two tokens end a response: "!", which is an ordinary word, and ".", which ends those of the data. */
const VOCABULARY = ["?", " good", " bad", " film", "!", "."];
const [FILM, EXCLAMATION, EOS] = [3, 4, 5];
const ENDS = [EXCLAMATION, EOS];
const BUDGET = 4;

interface Line {
  readonly prefix: number[];
  readonly generated: number[];
  readonly finishReason: string;
  readonly score: number;
  readonly text: string;
}

const started: Testbed[] = [];
afterAll(() => Promise.all(started.map((testbed) => testbed.close())));

async function start(options: Partial<TestbedOptions> = {}): Promise<Testbed> {
  const testbed = await startTestbed({
    ...{ vocabulary: VOCABULARY, contextTokens: 16, otherEndTokenIds: () => [EXCLAMATION] },
    // Both ends are as likely as words.
    ...{ logits: () => [-9, 0.3, 0, 0, 0.4, 0.1], scores: (context) => context.filter((token) => token === 1).length },
    ...options,
  });
  started.push(testbed);
  return testbed;
}

const linesOf = async <T>(directory: string, file: string): Promise<T[]> =>
  (await readFile(join(directory, file), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

/** @returns rollouts of each iteration, and the iterations' metrics */
async function train(testbed: Testbed, policy: object) {
  const run = await newTinyRun();
  const recipe = tinyRecipe({
    sft: { kind: "base" },
    reward: { kind: "folder", path: "testbed:reward", normalise: false },
    policy: { iterations: 3, rolloutsPerIteration: 64, validation: { every: 1, rollouts: 64 }, ...policy },
  });
  const { evaluation } = await runTiny(testbed, run, { recipe });
  const { directory } = run;
  const iterations = await Promise.all([1, 2, 3].map((i) => linesOf<Line>(directory, `rollouts/00000${i}.jsonl`)));
  const metrics = await linesOf<MetricsLine>(directory, "metrics.jsonl");
  return { evaluation, directory, iterations, metrics: metrics.filter(({ stage }) => stage === "policy") };
}

const isEnd = (token: number | undefined) => token !== undefined && ENDS.includes(token);
const count = (lines: readonly Line[], is: (line: Line) => boolean) => lines.filter(is).length;

describe("with two end tokens", () => {
  const source = { kind: "ownRollouts", iterations: 2 };
  let trained: Awaited<ReturnType<typeof train>>;
  beforeAll(async () => {
    const reset = { source, proportion: 0.7, selector: { law: "theory" } };
    trained = await train(await start(), { reset, missingEosScore: -7 });
  });

  test("each of them ends rollouts, and nothing follows it", () => {
    const all = trained.iterations.flat();
    for (const { generated, prefix, finishReason } of all) {
      expect(generated.slice(0, -1).some(isEnd)).toBe(false);
      expect(isEnd(generated.at(-1))).toBe(finishReason === "stop");
      if (finishReason === "length") expect(prefix.length + generated.length).toBe(BUDGET);
    }
    for (const end of ENDS) expect(count(all, ({ generated }) => generated.at(-1) === end)).toBeGreaterThan(20);
  });

  test("what ended by either has its own score, and what did not the one for a missing end", () => {
    for (const { generated, score } of trained.iterations.flat()) expect(score === -7).toBe(!isEnd(generated.at(-1)));
  });

  test("the metrics count both", () => {
    for (const [i, { metrics }] of trained.metrics.entries()) {
      const lines = trained.iterations[i]!;
      const ended = count(lines, ({ finishReason }) => finishReason === "stop");
      expect(metrics["endedShare"]).toBeCloseTo(ended / lines.length, 10);
    }
  });

  test("a reset into an own rollout never gives an end", () => {
    const given = trained.iterations.flat().filter(({ prefix }) => prefix.length > 0);
    expect(given.length).toBeGreaterThan(30);
    for (const { prefix } of given) expect(prefix.some(isEnd)).toBe(false);
  });

  test("evaluated responses end by both, and their texts are without it", async () => {
    const written = await linesOf<{ response: string; ended: boolean; responseTokens: number }>(
      trained.directory,
      "evaluation/sft.jsonl",
    );
    for (const { response, ended, responseTokens } of written) {
      expect(response).not.toMatch(/[!.]/);
      const words = response.split(" ").length - 1;
      expect(responseTokens).toBe(ended ? words + 1 : words);
      if (!ended) expect(responseTokens).toBe(BUDGET);
    }
  });
});

test("rollouts of a fixed length are scored up to the first end of either kind", async () => {
  // Any reset would do; from the prompt every word is the policy's.
  const policy = { stopAtEndOfSequence: false, reset: { proportion: 0 }, missingEosScore: -7 };
  const { iterations } = await train(await start(), policy);
  const all = iterations.flat();
  for (const { generated, score } of all) {
    expect(generated).toHaveLength(BUDGET);
    const end = generated.findIndex(isEnd);
    const good = generated.slice(0, end).filter((token) => token === 1).length;
    expect(score).toBe(end === -1 ? -7 : good);
  }
  expect(count(all, ({ generated }) => generated.findIndex(isEnd) === generated.indexOf(EXCLAMATION))).toBeGreaterThan(
    20,
  );
});

test("a guide also stops at the end tokens of its own base; its prefixes hold neither of them", async () => {
  // " film" ends what the guide writes, and is a word to the policy.
  const otherEndTokenIds = (base: string) => (base === "testbed:guide" ? [FILM] : [EXCLAMATION]);
  const testbed = await start({ otherEndTokenIds });
  const writer = { kind: "folder", path: "testbed:guide" };
  const reset = { source: { kind: "livePolicy", writer }, selector: { law: "theory" } };
  const { iterations } = await train(testbed, { reset });
  const all = iterations.flat();
  expect(count(all, ({ prefix }) => prefix.length > 0)).toBeGreaterThan(30);
  for (const { prefix } of all) expect(prefix.some((token) => token === FILM || isEnd(token))).toBe(false);
  // The policy itself goes on after the guide's end.
  expect(count(all, ({ generated }) => generated.slice(0, -1).includes(FILM))).toBeGreaterThan(10);
});
