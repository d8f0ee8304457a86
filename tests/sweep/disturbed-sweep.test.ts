import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Random } from "../../src/math/random.js";
import { lockHolder } from "../../src/durable-files/process-lock.js";
import { readSweep } from "../../src/run/read-sweep.js";
import { sweepPaths } from "../../src/run/sweep-files.js";
import type { StartedDrpo } from "../commands/run-drpo.js";
import { hasPython } from "../commands/tiny-project.js";
import { hasSlurm, type OneNodeSlurm, startOneNodeSlurm } from "./one-node-slurm.js";
import { createSweepProject, killProcessesOf, progressOf, resultsOf, type SweepProject } from "./sweep-project.js";

const RUNS = 12;
const BETWEEN_LOOKS_MS = 20;
/** Another one each day, so that in time every moment is tried; the test says which, and takes it from DRPO_TEST_SEED. */
const SEED = Number(process.env["DRPO_TEST_SEED"] ?? Math.floor(Date.now() / 86_400_000));

(hasPython ? describe : describe.skip)("a sweep of twelve runs", () => {
  let project: SweepProject;
  /** Of the undisturbed sweep: results by run, and how many lines its runs wrote. */
  let expected: Readonly<Record<string, unknown>>;
  let totalLines: number;

  const allResults = async (directory: string) => {
    const { runs, problems } = await readSweep(directory);
    expect(problems).toEqual([]);
    expect(runs.map(({ state }) => state.status)).toEqual(runs.map(() => "done"));
    const results = await Promise.all(runs.map(async (run) => [run.name, await resultsOf(run.directory)] as const));
    return Object.fromEntries(results);
  };
  const until = async (isSo: () => boolean | Promise<boolean>, child: StartedDrpo) => {
    let ended: string | undefined;
    void child.ended.then(({ stderr }) => (ended = stderr));
    while (!(await isSo())) {
      if (ended !== undefined) throw new Error(`the sweep ended too soon: ${ended}`);
      await delay(BETWEEN_LOOKS_MS);
    }
  };

  /** Whether a sweep works in the folder, and takes Ctrl-C. */
  const isHeld = async (directory: string) => (await lockHolder(sweepPaths(directory).lock)) !== null;

  beforeAll(async () => {
    project = await createSweepProject();
    await project.writeSweep("undisturbed");
    const stages = project.countStages("undisturbed");
    const { stdout, stderr, exitCode } = await project.sweep("undisturbed", ["--json"]).ended;
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stages).toEqual({ sft: 1, reward: 1 });
    const { configurations } = JSON.parse(stdout) as { readonly configurations: readonly { readonly done: number }[] };
    expect(configurations).toHaveLength(RUNS / 2);
    for (const one of configurations)
      expect(one).toMatchObject({ runs: 2, done: 2, score: { n: 2 }, winRate: { n: 2 } });
    const directory = project.inside("runs", "undisturbed");
    expected = await allResults(directory);
    totalLines = progressOf(directory);
  }, 400_000);
  afterAll(() => project.remove());

  test("differ from one another", () => {
    expect(Object.keys(expected)).toHaveLength(RUNS);
    expect(new Set(Object.values(expected).map((results) => JSON.stringify(results))).size).toBe(RUNS);
  });

  test("killed with -9 three times and interrupted once, ends with the same results, each shared stage computed once", async () => {
    await project.writeSweep("killed");
    const directory = project.inside("runs", "killed");
    const stages = project.countStages("killed");
    const random = new Random(BigInt(SEED));
    const kills: string[] = [];
    for (const [i, victim] of ["everything", "the sweep alone", "everything"].entries()) {
      // A moment of each third, among them the shared stages.
      const moment = Math.floor(((i + 0.9 * random.next()) / 3) * totalLines) + 1;
      const child = project.sweep("killed");
      await until(() => progressOf(directory) >= moment, child);
      // The sweep first: what it sees of its runs' ends is no part of this.
      child.kill("SIGKILL");
      await child.ended;
      const alive = victim === "everything" ? `${killProcessesOf(directory)} runs with it` : "its runs live on";
      kills.push(`at line ${moment} of about ${totalLines}, ${alive}`);
    }
    process.stderr.write(`DRPO_TEST_SEED=${SEED}: killed ${kills.join("; ")}\n`);

    const interrupted = project.sweep("killed");
    await until(() => isHeld(directory), interrupted);
    interrupted.kill("SIGINT");
    const { exitCode, stderr } = await interrupted.ended;
    expect(stderr).toMatch(/drpo: Interrupted: .*Go on with: drpo sweep killed\.json$/);
    expect(exitCode).toBe(130);
    expect(killProcessesOf(directory)).toBe(0);

    const last = await project.sweep("killed").ended;
    expect({ exitCode: last.exitCode, stderr: last.exitCode === 0 ? "" : last.stderr }).toEqual({
      exitCode: 0,
      stderr: "",
    });
    expect(await allResults(directory)).toEqual(expected);
    expect(stages).toEqual({ sft: 1, reward: 1 });
  }, 400_000);

  test("handed to a scheduler by a command, goes on without the sweep, and is not handed over again", async () => {
    const fields = { "policy.reset.proportion": [0.5], "policy.klCoef": [0.05] };
    const command = "setsid sh {script} >/dev/null 2>&1 & echo $!";
    const launcher = { kind: "command", command, until: "submitted", alive: "kill -0 {job}" };
    await project.writeSweep("handed", { runs: { kind: "grid", fields }, launcher });
    const directory = project.inside("runs", "handed");
    const first = project.sweep("handed");
    await until(() => progressOf(directory) > 4, first);
    first.kill("SIGKILL");
    await first.ended;
    const { exitCode, stderr } = await project.sweep("handed").ended;
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
    const results = await allResults(directory);
    expect(Object.keys(results)).toHaveLength(2);
    for (const [name, result] of Object.entries(results)) expect(result).toEqual(expected[name]);
    const launches = (await readFile(join(directory, "launches.jsonl"), "utf8")).match(/"jobId":"\d+"/g);
    expect(launches).toHaveLength(2);
  }, 200_000);

  (hasSlurm ? describe : describe.skip)("on a Slurm of one node", () => {
    let slurm: OneNodeSlurm;
    beforeAll(async () => {
      slurm = await startOneNodeSlurm();
    }, 60_000);
    afterAll(() => slurm.stop());

    test("gives the same results, whatever becomes of the process that follows it; no job is lost or doubled", async () => {
      const { environment } = slurm;
      await project.writeSweep("slurm", { launcher: { kind: "slurm", cpus: 1, time: "1:00:00" } });
      const directory = project.inside("runs", "slurm");
      const stages = project.countStages("slurm");
      for (const signal of ["SIGKILL", "SIGINT"] as const) {
        const child = project.sweep("slurm", [], { environment });
        const before = progressOf(directory);
        await until(async () => (await isHeld(directory)) && progressOf(directory) > before, child);
        child.kill(signal);
        const { exitCode, stderr } = await child.ended;
        expect(exitCode).toBe(signal === "SIGINT" ? 130 : null);
        if (signal === "SIGINT") expect(stderr).toMatch(/\d+ runs are jobs of a scheduler and go on \(1\)/);
      }
      const { exitCode, stderr } = await project.sweep("slurm", [], { environment }).ended;
      expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(await allResults(directory)).toEqual(expected);
      expect(stages).toEqual({ sft: 1, reward: 1 });

      const logs = await Promise.all(
        (await readdir(join(directory, "logs"))).map((name) => readFile(join(directory, "logs", name), "utf8")),
      );
      const tasks = logs.map((log) => log.match(/^Slurm job 1_\d+ on /gm));
      expect(tasks.map((task) => task?.length)).toEqual(Array.from({ length: RUNS }, () => 1));
      expect((await readdir(join(directory, "jobs"))).filter((name) => name.endsWith(".sh"))).toHaveLength(1);
    }, 400_000);
  });
});
