import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { PreferenceDataset, PreferenceGroup } from "../../src/domain/preference-dataset.js";
import type { Progress } from "../../src/ports/progress.js";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import {
  newTinyRun,
  runTiny,
  silent,
  startTinyTestbed,
  tinyDataset,
  tinyRecipe,
  tinyRewardModel,
  type TinyRun,
} from "./tiny-run.js";

let testbed: Testbed;
beforeAll(async () => {
  testbed = await startTinyTestbed();
});
afterAll(() => testbed.close());

const { scaleRollouts: _, ...reward } = tinyRewardModel;
const judgedBy = (...judges: readonly object[]) => tinyRecipe({ evaluation: { judges, against: ["sft"] } });
const heldOutJudge = { kind: "rewardModel", reward };

const turned = (groups: readonly PreferenceGroup[]): readonly PreferenceGroup[] =>
  groups.map((group) => ({
    ...group,
    responses: group.responses.map((response) => ({ ...response, rating: -response.rating })),
  }));

async function metricsOf({ directory }: TinyRun, stage: string): Promise<readonly MetricsLine[]> {
  const lines = (await readFile(join(directory, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as MetricsLine).filter((line) => line.stage === stage);
}

const judge = async (
  run: TinyRun,
  recipe: ReturnType<typeof tinyRecipe>,
  dataset?: PreferenceDataset,
  progress?: Progress,
) =>
  (await runTiny(testbed, run, { recipe, ...(dataset ? { dataset } : {}), ...(progress ? { progress } : {}) }))
    .evaluation;

describe("a held-out reward model as a judge", () => {
  test("prefers what people like, says so of every row, and leaves the run's own reward model alone", async () => {
    const [run, without] = [await newTinyRun(), await newTinyRun()];
    const evaluation = await judge(run, judgedBy({ kind: "lexicon" }, heldOutJudge));
    const [lexicon, own] = evaluation.winRates;
    expect(own).toMatchObject({ judge: "held-out-reward-model", against: "sft", unjudged: 0, winRate: { n: 200 } });
    expect(own!.winRate.low).toBeGreaterThan(0.5);
    expect(Math.abs(own!.winRate.mean - lexicon!.winRate.mean)).toBeLessThan(0.15);
    expect(evaluation.agreement[0]!.share.mean).toBeGreaterThan(0.7);
    expect((await readEvaluationRows(run.directory)).verdicts).toHaveLength(400);
    expect((await metricsOf(run, "judge-held-out-reward-model")).length).toBeGreaterThan(0);
    // Everything else is as it is without it.
    const { winRates: _rates, agreement: _agreement, settings: _settings, ...figures } = evaluation;
    expect(await judge(without, judgedBy({ kind: "lexicon" }))).toMatchObject(figures);
    expect(await metricsOf(run, "reward")).toEqual(await metricsOf(without, "reward"));
  });

  test("has learnt from the held-out responses alone", async () => {
    // Those who rated them like what the others dislike.
    const dataset = { ...tinyDataset, heldOut: turned(tinyDataset.heldOut), hash: "dataset-2" };
    const evaluation = await judge(await newTinyRun(), judgedBy(heldOutJudge), dataset);
    expect(evaluation.winRates[0]!.winRate.high).toBeLessThan(0.5);
    expect(evaluation.difference.score.low).toBeGreaterThan(0);
  });

  test("is computed once, and another one by another name beside it", async () => {
    const run = await newTinyRun();
    const notes: string[] = [];
    const progress: Progress = { ...silent, note: (line) => void notes.push(line) };
    const recipe = judgedBy(heldOutJudge, { ...heldOutJudge, name: "other", reward: { ...reward, seed: 7 } });
    const first = await judge(run, recipe, undefined, progress);
    expect(first.winRates.map(({ judge }) => judge)).toEqual(["held-out-reward-model", "other"]);
    expect(notes.filter((note) => note.startsWith("judge-"))).toEqual([]);
    const again = { ...run, directory: `${run.directory}-again` };
    expect((await judge(again, recipe, undefined, progress)).winRates).toEqual(first.winRates);
    expect(notes).toContain("judge-held-out-reward-model: reused from the cache");
    expect(notes).toContain("judge-other: reused from the cache");
  });
});
