import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, CorruptStateError } from "../../src/errors.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import { readRun } from "../../src/run/read-run.js";
import { commit, evaluation, evaluationRows, recipe } from "./run-fixtures.js";

let directory: string;

beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "drpo-read-"))));
afterEach(() => rm(directory, { recursive: true }));

async function writtenRun() {
  const run = await openRunDirectory({ directory, recipe: recipe(), resume: false });
  for (const loss of [3, 2]) await run.appendMetrics({ stage: "sft", iteration: 1, metrics: { loss } });
  await run.appendMetrics({ stage: "policy", iteration: 1, metrics: { score: 1 } });
  await run.commit(commit(1));
  await run.writeEvaluation(evaluation(), evaluationRows());
  return run;
}

test("a run under way is read without its lock, the latest line of each iteration", async () => {
  const run = await writtenRun();
  const reading = await readRun(directory);
  expect(reading).toMatchObject({ record: { runId: run.runId }, lastCommit: commit(1), problems: [] });
  expect(reading.metrics).toEqual([
    { stage: "sft", iteration: 1, metrics: { loss: 2 } },
    { stage: "policy", iteration: 1, metrics: { score: 1 } },
  ]);
  expect(reading.evaluation).toEqual(evaluation());
  await run.close();
});

test("an evaluation without an accuracy is whole", async () => {
  const run = await writtenRun();
  await run.writeEvaluation({ ...evaluation(), rewardAccuracy: null }, evaluationRows());
  expect((await readRun(directory)).evaluation?.rewardAccuracy).toBeNull();
  await run.close();
});

test("broken parts are named and the rest is read", async () => {
  await (await writtenRun()).close();
  await appendFile(join(directory, "metrics.jsonl"), 'garbage\n{"stage":"policy","iteration":"two"}\n{"torn');
  await appendFile(join(directory, "journal.jsonl"), "garbage\n");
  await writeFile(join(directory, "evaluation.json"), '{"sft": 1}');
  const reading = await readRun(directory);
  expect(reading.metrics).toHaveLength(2);
  // What the other lines of the journal say is known.
  expect(reading).toMatchObject({ journal: [{ event: "opened" }, { event: "commit" }], evaluation: null });
  expect(reading.problems).toEqual([
    expect.stringMatching(/journal\.jsonl:3: the line is not JSON/),
    expect.stringMatching(/metrics\.jsonl: 2 lines are damaged, the first is line 4/),
    expect.stringMatching(/evaluation\.json is damaged/),
  ]);
});

test("a journal's last line that is cut off is named once nobody writes it", async () => {
  const run = await writtenRun();
  await appendFile(join(directory, "journal.jsonl"), '{"event":"comm');
  expect((await readRun(directory)).problems).toEqual([]);
  await run.close();
  const { problems, lastCommit } = await readRun(directory);
  expect(problems).toEqual([expect.stringMatching(/journal\.jsonl: its last line is cut off/)]);
  expect(lastCommit).toEqual(commit(1));
});

test("a run that has only begun has no problems", async () => {
  await (await openRunDirectory({ directory, recipe: recipe(), resume: false })).close();
  expect(await readRun(directory)).toMatchObject({ metrics: [], evaluation: null, lastCommit: null, problems: [] });
});

test("a folder without a run, or with a damaged recipe.json, is an error", async () => {
  await expect(readRun(directory)).rejects.toThrow(BadInputError);
  await expect(readRun(join(directory, "nowhere"))).rejects.toThrow(/holds no run/);
  await writeFile(join(directory, "recipe.json"), "{}");
  await expect(readRun(directory)).rejects.toThrow(CorruptStateError);
});

describe("the rows of an evaluation", () => {
  const file = (name: string) => join(directory, "evaluation", name);

  test("are read as they were written", async () => {
    await (await writtenRun()).close();
    expect(await readEvaluationRows(directory)).toEqual({ ...evaluationRows(), problems: [] });
  });

  test("that are damaged, cut off or missing are named, and the rest is read", async () => {
    const three = ["a", "b", "c"].map((text) => ({ prompt: text, sft: text, policy: text }));
    const run = await writtenRun();
    await run.writeEvaluation(evaluation(), evaluationRows(three));
    await run.close();
    const text = await readFile(file("policy.jsonl"), "utf8");
    await writeFile(file("policy.jsonl"), text.replace('"prompt":"b"', '"prompt":7').slice(0, -9));
    await rm(file("verdicts.jsonl"));
    const { problems, ...rows } = await readEvaluationRows(directory);
    expect(rows).toEqual({
      ...evaluationRows(three),
      ...{ policy: evaluationRows(three).policy.slice(0, 1), verdicts: [] },
    });
    expect(problems).toEqual([
      expect.stringMatching(/policy\.jsonl: 1 lines are damaged, the first is line 2/),
      expect.stringMatching(/policy\.jsonl: its last line is cut off/),
      expect.stringMatching(/verdicts\.jsonl is missing/),
    ]);
  });

  test("of another version of evaluation.json: it is said how to write it again", async () => {
    await (await writtenRun()).close();
    const { winRates: _, ...older } = evaluation();
    await writeFile(join(directory, "evaluation.json"), JSON.stringify(older));
    expect((await readRun(directory)).problems).toEqual([expect.stringMatching(/another version.*drpo evaluate/)]);
  });
});

test("a run from before there was a choice keeps the split by its ids", async () => {
  await (await writtenRun()).close();
  const path = join(directory, "recipe.json");
  const record = JSON.parse(await readFile(path, "utf8")) as { recipe: object };
  const recipeWith = async (data: object) => {
    await writeFile(path, JSON.stringify({ ...record, recipe: { ...record.recipe, data, evaluation: { data } } }));
    return (await readRun(directory)).record.recipe;
  };
  const pairs = { kind: "pairs", path: "data.jsonl" };
  const old = { ...pairs, splitBy: "id" };
  expect(await recipeWith(pairs)).toMatchObject({ data: old, evaluation: { data: old } });
  expect((await recipeWith({ ...pairs, splitBy: "prompt" }))["data"]).toEqual({ ...pairs, splitBy: "prompt" });
  expect((await recipeWith({ kind: "rated" }))["data"]).toEqual({ kind: "rated" });
});
