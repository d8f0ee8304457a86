import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { FollowedRun } from "../../src/dashboard/reading/followed-run.js";
import { RunLibrary } from "../../src/dashboard/reading/run-library.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { commit, recipe } from "../run/run-fixtures.js";
import { someRollout, writeIteration } from "./write-run.js";

const ITERATIONS = 10_000;
const NAMES = ["score", "kl", "policyLoss", "entropy", "valueLoss", "clipShare", "gradientNorm", "responseTokens"];

const metricsLine = (iteration: number): string => {
  const values = NAMES.map((name, i) => [name, Math.sin(iteration / (50 + i)) + (iteration === 7_777 ? 99 : 0)]);
  return `${JSON.stringify({ stage: "policy", iteration, metrics: Object.fromEntries(values) as unknown })}\n`;
};

/** Ten thousand iterations of ten rollouts, as a run leaves them. */
async function writeLongRun(directory: string): Promise<void> {
  const run = await openRunDirectory({ directory, recipe: recipe(), resume: false });
  const line = await rolloutLine(run, directory);
  await run.close();
  const iterations = Array.from({ length: ITERATIONS }, (_, i) => i + 1);
  await writeFile(join(directory, "metrics.jsonl"), iterations.map(metricsLine).join(""));
  const at = new Date(0).toISOString();
  const commits = iterations.map((i) => `${JSON.stringify({ event: "commit", at, commit: commit(i) })}\n`);
  await writeFile(join(directory, "journal.jsonl"), commits.join(""));
  for (const iteration of iterations) {
    const lines = Array.from({ length: 10 }, (_, row) => line.replace('"row":0', `"row":${row}`));
    await writeFile(
      join(directory, "rollouts", `${String(iteration).padStart(6, "0")}.jsonl`),
      lines.join("\n") + "\n",
    );
  }
}

async function rolloutLine(run: Awaited<ReturnType<typeof openRunDirectory>>, directory: string): Promise<string> {
  await run.writeRollouts(1, [someRollout(1, 0)]);
  return (await readFile(join(directory, "rollouts", "000001.jsonl"), "utf8")).trim();
}

const whole = { from: 0, to: ITERATIONS, buckets: 200, smoothing: 0 };

describe("ten thousand iterations and a hundred thousand rollouts", () => {
  let root: string;
  let directory: string;
  let run: FollowedRun;
  let bytes = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "drpo-long-"));
    directory = join(root, "long");
    await mkdir(directory);
    await writeLongRun(directory);
    run = new FollowedRun("long", directory, (count) => (bytes += count));
  }, 120_000);
  afterAll(() => rm(root, { recursive: true }));

  const readBy = async <T>(look: () => Promise<T>): Promise<{ value: T; read: number }> => {
    const before = bytes;
    const value = await look();
    return { value, read: bytes - before };
  };

  test("are listed by reading the logs once, and no rollouts", async () => {
    const sizes = await Promise.all(["metrics.jsonl", "journal.jsonl"].map((name) => stat(join(directory, name))));
    const { read } = await readBy(() => run.detail());
    const inAll = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(read).toBeGreaterThanOrEqual(inAll);
    // A line that lies across two chunks is read twice.
    expect(read).toBeLessThan(inAll + 10_000);
    expect((await readBy(() => run.detail())).read).toBe(0);
    expect(run.summary).toMatchObject({ iteration: ITERATIONS, status: "interrupted" });
    expect(run.summary.sparkline.length).toBeLessThanOrEqual(48);
    expect(run.cells).toBe(ITERATIONS * (NAMES.length + 1));
  });

  test("are curves of a few hundred points, in which no spike is lost", async () => {
    const { value: curves, read } = await readBy(() => run.curves(whole));
    expect(read).toBe(0);
    const [policy] = curves.stages;
    expect(policy!.curves).toHaveLength(NAMES.length);
    for (const { x, count, greatest } of policy!.curves) {
      expect(count).toBe(ITERATIONS);
      expect(x.length).toBeLessThanOrEqual(402);
      expect(x).toContain(7_777);
      expect(greatest).toBeGreaterThan(97);
    }
    const part = await run.curves({ ...whole, from: 5_001, to: 5_100 });
    expect(part.stages[0]!.curves[0]!.x).toEqual(Array.from({ length: 100 }, (_, i) => 5_001 + i));
  });

  test("are rollouts of which one iteration is read when it is looked at", async () => {
    const { size } = await stat(join(directory, "rollouts", "004321.jsonl"));
    expect((await readBy(() => run.rollouts.read(4_321))).read).toBe(size);
    expect((await readBy(() => run.rollouts.read(4_321))).read).toBe(0);
    for (let iteration = 1; iteration <= 50; iteration++) await run.rollouts.read(iteration);
    // It was let go of meanwhile.
    expect((await readBy(() => run.rollouts.read(4_321))).read).toBe(size);
    expect(await run.rollouts.range()).toEqual({ first: 1, last: ITERATIONS, count: ITERATIONS });
  });

  test("go on by what a resumed run keeps and appends", async () => {
    const resumed = await openRunDirectory({ directory, recipe: recipe(), resume: true });
    const { read } = await readBy(async () => {
      await writeIteration(resumed, ITERATIONS + 1, { validateEvery: 1 });
      await run.refresh();
    });
    expect(read).toBeLessThan(4_000);
    expect(run.summary).toMatchObject({ iteration: ITERATIONS + 1, status: "running", scoredBy: "validation" });
    // Metrics without a commit: the process was killed. On resume they are dropped, and other ones come.
    await resumed.appendMetrics({ stage: "policy", iteration: ITERATIONS + 2, metrics: { score: 5 } });
    await run.refresh();
    expect(run.summary.iteration).toBe(ITERATIONS + 2);
    await resumed.close();
    const again = await openRunDirectory({ directory, recipe: recipe(), resume: true });
    await run.refresh();
    expect(run.summary.iteration).toBe(ITERATIONS + 1);
    expect((await run.curves(whole)).stages[0]!.count).toBe(ITERATIONS + 1);
    await again.close();
  });

  test("do not stay in memory when other runs are looked at", async () => {
    const other = join(root, "other");
    await mkdir(other);
    const small = await openRunDirectory({ directory: other, recipe: recipe(), resume: false });
    await writeIteration(small, 1);
    await small.close();
    const library = new RunLibrary(root, undefined, 1_000);
    await library.discover();
    for (const one of library.all) await library.refresh(one);
    expect(library.get("long")!.cells + library.get("other")!.cells).toBeLessThan(1_000);
    expect(library.get("long")!.summary.iteration).toBe(ITERATIONS + 1);
    expect((await library.get("long")!.curves(whole)).stages[0]!.count).toBe(ITERATIONS + 1);
  });
});
