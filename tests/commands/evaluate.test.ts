import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Evaluation } from "../../src/domain/evaluation.js";
import { tryLock } from "../../src/durable-files/process-lock.js";
import { readEvaluationRows } from "../../src/run/read-evaluation.js";
import { readRun } from "../../src/run/read-run.js";
import { runPaths } from "../../src/run/run-files.js";
import { createTinyProject, hasPython, type TinyProject } from "./tiny-project.js";

interface Printed {
  readonly runDirectory: string;
  readonly report: string | null;
  readonly evaluation: Evaluation;
}

(hasPython ? describe : describe.skip)("drpo evaluate, on the real server", () => {
  let project: TinyProject;
  let trained: Printed;
  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
    const { stdout, exitCode } = await project.drpo(["train", "recipe.json", "--run-dir", "run", "--json"]);
    expect(exitCode).toBe(0);
    trained = JSON.parse(stdout) as Printed;
  }, 240_000);
  afterAll(() => project.remove());

  const inRun = (...names: string[]) => join(project.folder, "run", ...names);
  const evaluate = async (...args: string[]) => {
    const outcome = await project.drpo(["evaluate", "run", ...args]);
    return { ...outcome, printed: () => JSON.parse(outcome.stdout) as Printed };
  };

  test("with the settings of the recipe it finds what the run found, to the bit", async () => {
    const journal = await readFile(inRun("journal.jsonl"), "utf8");
    const { printed, stderr, exitCode } = await evaluate("--json");
    expect(exitCode).toBe(0);
    for (const part of ["reward accuracy", "score references", "evaluate SFT", "evaluate policy", "judge lexicon"]) {
      expect(stderr).toContain(part);
    }
    expect(printed().evaluation).toEqual(trained.evaluation);
    expect((await readRun(inRun())).evaluation).toEqual(trained.evaluation);
    expect(await readFile(inRun("journal.jsonl"), "utf8")).toBe(journal);
  }, 120_000);

  test("with others it writes evaluation, rows and report again, and prints them", async () => {
    const before = await readEvaluationRows(inRun());
    await rm(inRun("report.html"));
    const settings = ["evaluation.rollouts=24", 'evaluation.against=["sft","reference"]', "evaluation.examples=1"];
    const { stdout, exitCode } = await evaluate(...settings.flatMap((setting) => ["--set", setting]));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /Win rate against SFT[\s\S]*Win rate against reference[\s\S]*SFT's win rate against reference[\s\S]*\n {2}policy [^\n]*\n\nRun dir/,
    );
    const { evaluation, problems, record } = await readRun(inRun());
    expect(problems).toEqual([]);
    expect(evaluation).toMatchObject({ settings: { rollouts: 24 }, policy: { score: { n: 24 } } });
    expect(evaluation!.winRates.map(({ of, against, winRate }) => [of, against, winRate.n])).toEqual([
      ["policy", "sft", 24],
      ["policy", "reference", 24],
      ["sft", "reference", 24],
    ]);
    // The run is what it was.
    expect(record.recipe["evaluation"]).toMatchObject({ rollouts: 16 });
    const rows = await readEvaluationRows(inRun());
    expect([rows.policy, rows.sft, rows.reference, rows.verdicts].map(({ length }) => length)).toEqual([
      24, 24, 24, 72,
    ]);
    // The noise of a row is its own: the first of more rows are the rows that there were.
    expect(rows.policy.slice(0, 16).map(({ response }) => response)).toEqual(
      before.policy.map(({ response }) => response),
    );
    expect(await readFile(inRun("report.html"), "utf8")).toMatch(/<\/html>\s*$/);
  }, 120_000);

  test("while another process works on the run, the result is printed and not kept", async () => {
    const before = await readFile(inRun("evaluation.json"), "utf8");
    const result = await tryLock(runPaths(inRun()).lock);
    if (!("lock" in result)) throw new Error("the lock is free");
    try {
      const { printed, stderr, exitCode } = await evaluate("--set", "evaluation.rollouts=8", "--json");
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/another process works on the run/);
      expect(printed()).toMatchObject({ report: null, evaluation: { policy: { score: { n: 8 } } } });
      expect(await readFile(inRun("evaluation.json"), "utf8")).toBe(before);
    } finally {
      await result.lock.release();
    }
  }, 120_000);

  test.each([
    [["--set", "policy.klCoef=1"], /policy\.klCoef=1: drpo evaluate changes settings of evaluation alone/],
    [["--set", "evaluation.judge=x"], /evaluation\.judge is not a key of a recipe; did you mean evaluation\.judges\?/],
    [["--set", "evaluation.rollouts=1"], /evaluation\.rollouts is 1: it must be at least 2/],
    [["--set", "evaluation.data.path=nowhere.jsonl"], /evaluation\.data/],
  ])("%j is refused before a server is started", async (args, message) => {
    const { stderr, exitCode } = await evaluate(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/model server/);
    expect(exitCode).toBe(2);
  });

  test("other data than the run's own is refused, and so is a folder without a run", async () => {
    const data = join(project.folder, "data.jsonl");
    const text = await readFile(data, "utf8");
    await writeFile(data, text.replace('"rating":', '"rating":1'));
    const changed = await evaluate();
    await writeFile(data, text);
    expect(changed.stderr).toMatch(/its data changed/);
    expect(changed.exitCode).toBe(2);
    const nowhere = await project.drpo(["evaluate", "nowhere"]);
    expect(nowhere.stderr).toMatch(/holds no run/);
    expect(nowhere.exitCode).toBe(2);
  });
});
