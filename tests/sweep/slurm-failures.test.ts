import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTinyProject, type TinyProject } from "../commands/tiny-project.js";
import { hasSlurm, type OneNodeSlurm, startOneNodeSlurm } from "./one-node-slurm.js";

const BETWEEN_LOOKS_MS = 200;

/** Runs that never get as far as to have a folder. */
(hasSlurm ? describe : describe.skip)("a sweep on Slurm", () => {
  let project: TinyProject;
  let slurm: OneNodeSlurm;
  beforeAll(async () => {
    [project, slurm] = [await createTinyProject(), await startOneNodeSlurm()];
  }, 60_000);
  afterAll(async () => {
    await slurm.stop();
    await project.remove();
  });

  const inSlurm = (program: string, ...args: readonly string[]): string =>
    execFileSync(program, args, { env: { ...process.env, ...slurm.environment }, encoding: "utf8" });
  const sweep = async (launcher: object) => {
    const file = {
      ...{ name: "s", recipe: "recipe.json", limits: { runs: 2 }, launcher: { kind: "slurm", cpus: 1, ...launcher } },
      runs: { kind: "list", runs: [{ name: "broken" }, { name: "stopped" }, { name: "taken-back" }] },
    };
    await writeFile(join(project.folder, "sweep.json"), JSON.stringify(file));
    return project.start(["sweep", "sweep.json"], { environment: slurm.environment });
  };

  test("says what became of tasks that could not say it themselves", async () => {
    const before = ['[ "$SLURM_ARRAY_TASK_ID" != 0 ] || { echo "module: no such module"; exit 7; }', "sleep 600"];
    const child = await sweep({ before });
    let ended = false;
    void child.ended.then(() => (ended = true));
    const isRunning = () => /^1 RUNNING$/m.test(inSlurm("squeue", "--noheader", "--array", "--format=%K %T"));
    while (!ended && !isRunning()) await delay(BETWEEN_LOOKS_MS);
    inSlurm("scancel", "1_1", "1_2");
    const { exitCode, stdout } = await child.ended;
    expect(stdout).toMatch(/^broken: Slurm job 1_0 ended as FAILED\. It last said: module: no such module$/m);
    expect(stdout).toMatch(/^stopped: Slurm job 1_1 ended as CANCELLED\. It last said: .*CANCELLED/m);
    expect(stdout).toMatch(/^taken-back: Slurm job 1_2 ended as CANCELLED\./m);
    expect(exitCode).toBe(1);
  }, 120_000);

  test("says what sbatch refuses", async () => {
    const { exitCode, stderr } = await (await sweep({ partition: "none-such" })).ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/3 of 3 runs failed/);
    const child = project.start(["sweep", "sweep.json", "--retry-failed"], { environment: slurm.environment });
    const refused = await child.ended;
    expect(refused.stderr).toMatch(/drpo: sbatch .* failed: .*invalid partition/i);
    expect(refused.exitCode).toBe(3);
  }, 120_000);
});
