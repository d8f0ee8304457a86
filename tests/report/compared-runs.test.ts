import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import type { Report } from "../../src/report/report.js";
import { writeReport } from "../../src/report/write-report.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import { readRun } from "../../src/run/read-run.js";
import { writeFixtureRun } from "./fixture-runs.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "drpo-compared-"))));
afterAll(() => rm(folder, { recursive: true }));

const reportOf = (directories: readonly string[], to: string) =>
  writeReport({ directories, to: join(folder, to), version: "0.1.0" });

describe("four groups of three seeds", () => {
  let report: Report;
  let texts: { readonly page: string; readonly markdown: string; readonly figures: string };
  beforeAll(async () => {
    const runs = join(folder, "ablation");
    for (const seed of [1, 2, 3]) {
      const common = { seed, kl: 10, iterations: 6, responses: 24 };
      await writeFixtureRun(runs, { ...common, name: `dpo-${seed}`, isDpo: true, resetProportion: 0, score: 0.3 });
      for (const resetProportion of [0, 0.5, 1]) {
        const score = 0.5 + resetProportion;
        await writeFixtureRun(runs, { ...common, name: `p${resetProportion}-${seed}`, resetProportion, score });
      }
    }
    const written = await writeReport({ directories: [runs], version: "0.1.0" });
    expect(written.page).toBe(join(runs, "report.html"));
    report = written.report;
    const read = (path: string) => readFile(path, "utf8");
    texts = {
      page: await read(written.page),
      markdown: await read(written.markdown),
      figures: await read(written.figures),
    };
  });

  test("are groups by their configuration, in the order of the paper's tables", () => {
    expect(report.groups.map(({ label, seeds }) => [label, ...seeds])).toEqual([
      ["DPO", 1, 2, 3],
      ["PPO", 1, 2, 3],
      ["DR-PO 0.5", 1, 2, 3],
      ["DR-PO 1", 1, 2, 3],
    ]);
    expect(report.problems).toEqual([]);
    expect(new Set(report.groups.map(({ colour }) => colour)).size).toBe(4);
  });

  test("have a row each, the mean over seeds of what the runs' own evaluations say", async () => {
    const { metrics, rows } = report.results;
    expect(rows.map(({ label }) => label)).toEqual(["SFT", "DPO", "PPO", "DR-PO 0.5", "DR-PO 1", "Reference"]);
    const column = metrics.findIndex(({ name }) => name === "score");
    const scores = await Promise.all(
      [1, 2, 3].map(
        async (seed) => (await readRun(join(folder, "ablation", `p1-${seed}`))).evaluation!.policy.score.mean,
      ),
    );
    const mean = (scores[0]! + scores[1]! + scores[2]!) / 3;
    const cell = rows[4]!.cells[column]!;
    expect(cell.mean).toBeCloseTo(mean, 12);
    expect(cell.deviation).toBeCloseTo(Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2), 12);
    expect(cell.bySeed.map(({ value }) => value)).toEqual(scores);
  });

  test("are each tested against the one without resets, seed by seed, and corrected for the number of tests", () => {
    const score = report.comparisons.filter(({ metric }) => metric.name === "score");
    expect(score.map(({ group, baseline, pairedBy }) => [group, baseline, pairedBy])).toEqual(
      ["DPO", "DR-PO 0.5", "DR-PO 1"].map((group) => [group, "PPO", "seed"]),
    );
    for (const { test: result, pHolm } of report.comparisons) {
      expect(result.difference.n).toBe(3);
      expect(pHolm).toBeGreaterThanOrEqual(result.pT!);
    }
    expect(texts.page).toContain("With 3 seeds the permutation test cannot give less than 0.25");
    const resets = report.findings.filter((finding) => finding.startsWith("Resets"));
    expect(resets.find((finding) => finding.includes("by reward score"))).toMatch(
      /^Resets helped at [12] of 2 proportions/,
    );
    expect(texts.markdown).toContain("Resets helped at");
  });

  test("have frontier, ablation, curves, returns, samples and verdicts", () => {
    expect(report.frontier!.curves).toHaveLength(4);
    expect(report.frontier!.curves[0]!.points.map(({ x }) => x)).toEqual(
      report.frontier!.curves[0]!.points.map(({ x }) => x).sort((a, b) => a - b),
    );
    const ablated = report.ablation.find(({ metric }) => metric.name === "score")!;
    expect(ablated.curves.map(({ points }) => points.map(({ x }) => x))).toEqual([[0, 0.5, 1]]);
    const policy = report.curves.find(({ stage }) => stage === "policy")!;
    const curve = policy.metrics.find(({ name }) => name === "score")!.groups[3]!;
    expect(curve.seeds).toHaveLength(3);
    expect(curve.mean.map(({ x }) => x)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(curve.mean[5]!.y).toBeCloseTo(curve.seeds.reduce((sum, { points }) => sum + points[5]!.y, 0) / 3, 12);
    // Nothing is reset to by the others.
    expect(report.prefixReturns.map(({ group }) => group)).toEqual(["DR-PO 0.5", "DR-PO 1"]);
    const rollouts = report.prefixReturns[1]!.parts.flatMap(({ buckets }) => buckets.map(({ score }) => score.n));
    expect(rollouts.reduce((sum, n) => sum + n, 0)).toBe(3 * 16 * 4);
    expect(report.samples[0]!.responses.map(({ by }) => by)).toEqual([
      ...["SFT", "DPO", "PPO", "DR-PO 0.5", "DR-PO 1", "Reference"],
    ]);
    expect(report.verdicts).toHaveLength(4);
    expect(report.disagreements.length).toBeGreaterThan(0);
    expect(report.scaling).toBeNull();
  });

  test("SFT's responses are judged against references in its own row, once for all groups", async () => {
    const { metrics, rows } = report.results;
    const cellOf = (label: string, against: string) => {
      const column = metrics.findIndex(({ name }) => name === `winRate against ${against} by lexicon`);
      return rows.find((row) => row.label === label)!.cells[column]!;
    };
    // Of each seed the first run, which is DPO's.
    const bySeed = await Promise.all(
      [1, 2, 3].map(async (seed) => {
        const { winRates } = (await readRun(join(folder, "ablation", `dpo-${seed}`))).evaluation!;
        const own = winRates.find(
          ({ judge, of, against }) => judge === "lexicon" && of === "sft" && against === "reference",
        )!;
        return { seed, value: own.winRate.mean };
      }),
    );
    expect(cellOf("SFT", "reference").bySeed).toEqual(bySeed);
    expect(cellOf("SFT", "sft")).toBeNull();
    expect(cellOf("DR-PO 1", "reference").mean).toBeGreaterThan(cellOf("SFT", "reference").mean);

    const labels = ["DPO", "PPO", "DR-PO 0.5", "DR-PO 1"];
    expect(
      report.verdicts.map(({ judge, against, models }) => [judge, against, ...models.map((one) => one.label)]),
    ).toEqual(
      ["lexicon", "held-out reward model"].flatMap((judge) => [
        [judge, "sft", ...labels],
        [judge, "reference", "SFT", ...labels],
      ]),
    );
    for (const { models } of report.verdicts)
      for (const { wins, ties, losses } of models) expect(wins + ties + losses).toBe(3 * 24);
    const sft = report.verdicts[1]!.models[0]!;
    expect((sft.wins + sft.ties / 2) / 72).toBeCloseTo(cellOf("SFT", "reference").mean, 12);

    expect(report.agreements.map(({ of, against, rows: judged }) => [of, against, judged])).toEqual([
      ["sft", "reference", 3 * 24],
      ["policy", "sft", 12 * 24],
      ["policy", "reference", 12 * 24],
    ]);
    // Judges never contradict each other on DR-PO 1.
    expect(report.disagreements.map(({ label }) => label)).toEqual(["DPO", "PPO", "DR-PO 0.5", "SFT"]);
    const alone = await reportOf([join(folder, "ablation", "dpo-1")], "alone");
    const ofSft = alone.report.disagreements.find(({ label }) => label === "SFT")!;
    expect(new Set(ofSft.verdicts.map(({ of, against }) => `${of} ${against}`))).toEqual(new Set(["sft reference"]));
    const responses = (await readEvaluationRows(join(folder, "ablation", "dpo-1"))).sft;
    expect(ofSft.own).toBe(responses.find(({ row }) => row === ofSft.verdicts[0]!.row)!.response);
    // The same in the Markdown: SFT's row has a number under references alone.
    expect(texts.markdown).toMatch(/^\|\s+SFT \|\s+3 \|\s+\u2013 \|\s+\d+\.\d ± \d+\.\d % \|/m);
  });

  test("differ in the settings in which they differ", () => {
    expect(report.differences.map(({ path }) => path)).toEqual(expect.arrayContaining(["policy.kind"]));
    const proportion = report.differences.find(({ path }) => path === "policy.reset.proportion")!;
    expect(proportion.values).toEqual([undefined, 0, 0.5, 1]);
    expect(report.differences.map(({ path }) => path)).not.toContain("seed");
  });

  test("the paper's figures lie beside the Markdown as pictures, and no path tells where they were made", async () => {
    const to = join(folder, "results");
    const { pictures, markdown } = await writeReport({
      ...{ directories: [join(folder, "ablation")], to, version: "0.1.0" },
      ...{ relativeTo: folder, withPictures: true },
    });
    const names = pictures.map((path) => basename(path));
    expect(names).toEqual(expect.arrayContaining(["frontier.svg", "proportion-score.svg", "proportion-klk1.svg"]));
    const text = await readFile(markdown, "utf8");
    for (const name of names) expect(text).toContain(`](${name})`);
    expect(text).toContain("drpo train ablation/p1-1/recipe.json");
    const svg = await readFile(join(to, "frontier.svg"), "utf8");
    for (const group of ["DPO", "PPO", "DR-PO 0.5", "DR-PO 1"]) expect(svg).toContain(`>${group}</text>`);
    expect(svg.match(/<svg/g)).toHaveLength(svg.match(/<\/svg>/g)!.length);
    for (const name of await readdir(to)) expect(await readFile(join(to, name), "utf8")).not.toContain(folder);
  });

  test("page, Markdown and JSON show the same, and no number is missing", () => {
    for (const text of Object.values(texts)) expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(texts.page).toContain("<mark>");
    expect(texts.markdown).toMatch(/^\|\s+DR-PO 1 \|\s+3 \|/m);
    expect(JSON.parse(texts.figures)).toMatchObject({ title: "ablation", version: "0.1.0" });
    expect(texts.markdown).toContain(`drpo train ${join(folder, "ablation", "p1-1", "recipe.json")}`);
  });
});

test("one seed, and a judge that only one of the runs has asked: the others are tested", async () => {
  const runs = join(folder, "half-judged");
  const common = { seed: 1, kl: 5, iterations: 4, responses: 30 };
  const asked = await writeFixtureRun(runs, { ...common, name: "ppo", resetProportion: 0, score: 0.4 });
  const unasked = await writeFixtureRun(runs, { ...common, name: "drpo", resetProportion: 1, score: 1.4 });
  const [evaluation, verdicts] = [join(unasked, "evaluation.json"), join(unasked, "evaluation", "verdicts.jsonl")];
  const parsed = JSON.parse(await readFile(evaluation, "utf8")) as {
    winRates: { judge: string }[];
    agreement: unknown[];
  };
  const winRates = parsed.winRates.filter(({ judge }) => judge === "lexicon");
  expect(winRates.length).toBeLessThan(parsed.winRates.length);
  await writeFile(evaluation, JSON.stringify({ ...parsed, winRates, agreement: [] }));
  const lines = (await readFile(verdicts, "utf8")).split("\n").filter((line) => line.includes('"lexicon"'));
  await writeFile(verdicts, `${lines.join("\n")}\n`);
  const { report } = await writeReport({ directories: [asked, unasked], to: join(folder, "half"), version: "0.1.0" });
  const judges = report.comparisons.flatMap(({ metric }) => metric.verdicts?.judge ?? []);
  expect(new Set(judges)).toEqual(new Set(["lexicon"]));
  expect(report.comparisons.map(({ metric }) => metric.name)).toContain("score");
});

test("one seed: each has its interval, and is compared prompt by prompt", async () => {
  const runs = join(folder, "one-seed");
  const names = ["small-70m", "large-1.4b"].flatMap((base) =>
    [0, 1].map((resetProportion) => ({ base, resetProportion })),
  );
  const directories = await Promise.all(
    names.map(({ base, resetProportion }) =>
      writeFixtureRun(runs, {
        ...{ name: `${base}-${resetProportion}`, seed: 7, resetProportion, base: `/bases/${base}` },
        ...{ score: 0.4 + 2 * resetProportion, kl: 6, iterations: 3, responses: 40 },
      }),
    ),
  );
  const { report } = await reportOf(directories, "one-seed-report");
  expect(report.title).toBe("4 runs");
  expect(report.groups.map(({ label }) => label)).toEqual([
    ...["PPO, base small-70m", "PPO, base large-1.4b", "DR-PO, base small-70m", "DR-PO, base large-1.4b"],
  ]);
  // A base is compared with itself alone.
  const score = report.comparisons.filter(({ metric }) => metric.name === "score");
  expect(score.map(({ group, baseline }) => [group, baseline])).toEqual([
    ["DR-PO, base small-70m", "PPO, base small-70m"],
    ["DR-PO, base large-1.4b", "PPO, base large-1.4b"],
  ]);
  for (const { pairedBy, test: result } of score) {
    expect(pairedBy).toBe("prompt");
    expect(result.difference.n).toBe(40);
    expect(result.difference.mean).toBeGreaterThan(1);
  }
  expect(report.scaling!.areSizesKnown).toBe(true);
  const scaled = report.scaling!.metrics.find(({ metric }) => metric.name === "score")!;
  expect(scaled.curves.map(({ label, points }) => [label, ...points.map(({ x }) => x)])).toEqual([
    ["PPO", 70e6, 1.4e9],
    ["DR-PO", 70e6, 1.4e9],
  ]);
  expect(scaled.curves[0]!.points[0]!.cell).toMatchObject({ deviation: null, interval: { n: 40 } });
});

describe("broken runs are named, and the rest is shown", () => {
  const fixture = { seed: 1, resetProportion: 1, score: 1, kl: 5, iterations: 3, responses: 10 };
  let whole: string;
  let next = 1;
  beforeAll(async () => void (whole = await writeFixtureRun(folder, { ...fixture, name: "whole" })));

  /** @param damage what happens to a run's folder. @returns what the report says of it beside a run that is whole */
  async function problemsAfter(damage: (directory: string) => Promise<unknown>): Promise<Report> {
    const seed = ++next;
    const directory = await writeFixtureRun(folder, { ...fixture, seed, name: `broken-${seed}` });
    await damage(directory);
    const { report, page } = await reportOf([directory, whole], `broken-${seed}-report`);
    const text = await readFile(page, "utf8");
    for (const problem of report.problems) expect(problem).toContain(directory);
    expect(text).toContain("Not everything could be read");
    expect(report.groups[0]!.seeds).toContain(1);
    expect(report.results.rows.find(({ kind }) => kind === "group")!.seeds).toContain(1);
    return report;
  }

  test("a journal whose last line is cut off", async () => {
    const { problems, runs } = await problemsAfter(async (directory) => {
      const path = join(directory, "journal.jsonl");
      await truncate(path, (await readFile(path)).length - 5);
    });
    expect(problems).toEqual([expect.stringMatching(/journal\.jsonl: its last line is cut off.*drpo train --resume/)]);
    expect(runs[0]).toMatchObject({ status: "interrupted", iteration: 3 });
  });

  test("a journal with a damaged line", async () => {
    const { problems, runs } = await problemsAfter(async (directory) => {
      const path = join(directory, "journal.jsonl");
      const [opened, ...others] = (await readFile(path, "utf8")).split("\n");
      await writeFile(path, [opened, '{"event":"comm', ...others].join("\n"));
    });
    expect(problems).toEqual([expect.stringMatching(/journal\.jsonl:2: the line is not JSON/)]);
    // What the other lines say is known.
    expect(runs[0]).toMatchObject({ status: "done", iteration: 3 });
  });

  test.each([
    ["recipe.json", /holds no run: there is no recipe\.json/],
    ["journal.jsonl", /journal\.jsonl is missing/],
    ["metrics.jsonl", /metrics\.jsonl is missing/],
    ["evaluation.json", /evaluation\.json is missing: .*drpo evaluate/],
    ["evaluation/policy.jsonl", /policy\.jsonl is missing/],
    ["rollouts/000002.jsonl", /rollouts: the rollouts of 1 of 3 iterations are missing, the first is iteration 2/],
  ])("%s is missing", async (name, message) => {
    const { problems } = await problemsAfter((directory) => rm(join(directory, name)));
    expect(problems.join("\n")).toMatch(message);
  });

  test.each([
    ["recipe.json", '{"formatVersion":9,"settings":{}}', /recipe\.json is damaged, or of another version of drpo/],
    ["evaluation.json", '{"policy":{"score":1}}', /evaluation\.json is damaged, or of another version/],
  ])("%s is of another version", async (name, content, message) => {
    const { problems } = await problemsAfter((directory) => writeFile(join(directory, name), content));
    expect(problems.join("\n")).toMatch(message);
  });

  test("lines that are no rollouts", async () => {
    const { problems } = await problemsAfter((directory) =>
      appendFile(join(directory, "rollouts", "000001.jsonl"), '{"row":1}\ngarbage\n'),
    );
    expect(problems).toEqual([expect.stringMatching(/000001\.jsonl: 2 lines are damaged, the first is line 17/)]);
  });

  test("a run of a sweep without its recipe.json is no run that has not begun", async () => {
    const directory = await writeFixtureRun(join(folder, "sweep"), { ...fixture, name: "run-1" });
    await rm(join(directory, "recipe.json"));
    const run = { configuration: "run", recipe: "/r.json", settings: ["seed=1"], seed: 1, recipeHash: "ab" };
    const runs = [
      { ...run, name: "run-1", directory: "run-1" },
      { ...run, name: "run-2", directory: "run-2" },
    ];
    await writeFile(join(folder, "sweep", "sweep.json"), JSON.stringify({ name: "s", createdAt: "2026", runs }));
    const { report } = await writeReport({
      directories: [join(folder, "sweep"), whole],
      to: join(folder, "s"),
      version: "0.1.0",
    });
    expect(report.problems).toEqual([expect.stringMatching(/run-1 holds no run: there is no recipe\.json/)]);
    expect(report.runs.map(({ name, status }) => [name, status])).toEqual([
      ["whole", "done"],
      ["run-2", "waiting"],
    ]);
  });

  test("a run whose configuration and seed are there twice", async () => {
    const twin = await writeFixtureRun(folder, { ...fixture, name: "twin" });
    const { report } = await reportOf([whole, twin], "twin-report");
    expect(report.problems).toEqual([expect.stringMatching(/twin repeats configuration and seed of .*whole/)]);
    expect(report.groups.map(({ seeds }) => seeds)).toEqual([[1]]);
  });

  test("folders without any run are refused", async () => {
    await expect(reportOf([join(folder, "nowhere"), join(folder, "neither")], "none")).rejects.toThrow(BadInputError);
  });

  test("a file where the report should go is refused", async () => {
    await expect(reportOf([whole], "whole/recipe.json")).rejects.toThrow(
      /is a file\. Change that, or name another with --to/,
    );
  });
});
