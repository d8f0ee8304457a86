import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { SweepDryRun } from "../../src/commands/format-sweep-plan.js";
import { createTinyProject, type TinyProject } from "../commands/tiny-project.js";

const grid = { kind: "grid", fields: { "policy.reset.proportion": [0, 0.5, 1] } };

/** Without a server: runs are started by commands that end at once. */
describe("drpo sweep", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject();
  });
  afterAll(() => project.remove());

  const sweep = async (file: object, ...args: readonly string[]) => {
    await writeFile(join(project.folder, "sweep.json"), JSON.stringify({ name: "s", recipe: "recipe.json", ...file }));
    return project.drpo(["sweep", "sweep.json", ...args]);
  };
  const refused = async (file: object): Promise<string> => {
    const { exitCode, stdout, stderr } = await sweep(file);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(existsSync(join(project.folder, "runs"))).toBe(false);
    return stderr;
  };

  test("lists its runs and starts nothing", async () => {
    const { exitCode, stdout, stderr } = await sweep({ seeds: [1, 2], runs: grid }, "--dry-run", "--json");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { runs } = JSON.parse(stdout) as SweepDryRun;
    expect(runs).toHaveLength(6);
    expect(runs[4]).toEqual({
      ...{ name: "proportion=0.5-seed2", seed: 2, state: "waiting", wouldRun: true },
      settings: ["policy.reset.proportion=0.5", "seed=2"],
      recipe: join(project.folder, "recipe.json"),
      directory: join(project.folder, "runs", "s", "proportion=0.5-seed2"),
    });
    const words = await sweep({ runs: grid }, "--dry-run", "--run-dir", "elsewhere");
    expect(words.stdout).toMatch(/^proportion=0.5 +waiting +would run +elsewhere\/proportion=0.5 /m);
    expect(words.stdout).toMatch(/^3 of 3 runs would run in elsewhere\.$/m);
    expect(existsSync(join(project.folder, "elsewhere"))).toBe(false);
  });

  test.each([
    [{ runs: { ...grid, feilds: {} } }, /runs\.feilds is not a key of a sweep; did you mean runs\.fields\?/],
    [{ runs: grid, seeds: [1, 1] }, /seeds: 1 is there twice/],
    [{ runs: grid, set: { seed: 3 }, seeds: [1] }, /seeds and the field seed are both given/],
    [{ recipe: undefined, runs: grid }, /recipe is missing/],
    [{ recipe: "gone.json", runs: grid }, /all 3 runs: Cannot read the recipe .*gone\.json: there is no such file/],
    [
      { runs: { kind: "grid", fields: { "policy.reset.proportion": [0, 2] } } },
      /run proportion=2: .*recipe\.json: policy\.reset\.proportion is 2: it must be at most 1/,
    ],
    [
      { runs: { kind: "grid", fields: { "policy.klCoeff": [0] } } },
      /klCoeff is not a key of a recipe; did you mean policy\.klCoef\?/,
    ],
    [{ runs: { kind: "list", runs: [{ name: "logs" }] } }, /run logs: a run cannot be called so/],
    [{ runs: { kind: "list", runs: [{ name: "../up" }] } }, /runs\.runs\[0\]\.name: must be letters/],
    [
      { runs: { kind: "random", count: 2, fields: { a: { uniform: [1, 0] } } } },
      /uniform: must be \[low, high\] with low < high/,
    ],
    [
      { runs: grid, launcher: { kind: "command", command: "{scirpt}" } },
      /launcher\.command: \{scirpt\} stands for nothing; there is .*\{script\}/,
    ],
  ])("refuses %j", async (file, message) => {
    expect(await refused(file)).toMatch(message);
  });

  test("says why runs failed, goes on with the others, and tries failed ones again when asked", async () => {
    const command =
      "case {name} in *0.5) echo 'drpo: the loss is NaN' >&2; exit 1;; *=1) kill -9 $$;; *) echo hello; exit 0;; esac";
    const file = { runs: grid, launcher: { kind: "command", command }, limits: { runs: 3 } };
    const first = await sweep(file);
    expect(first.exitCode).toBe(1);
    expect(first.stdout).toMatch(/^proportion=0: What was to start it ended, and there is no run\./m);
    expect(first.stdout).toMatch(/^proportion=0\.5: the loss is NaN\n {2}log: runs\/s\/logs\/proportion=0\.5\.log$/m);
    expect(first.stdout).toMatch(/^proportion=1: Killed by SIGKILL, which the system sends when memory runs out\./m);
    expect(first.stderr).toMatch(/proportion=0\.5: failed: the loss is NaN/);
    expect(first.stderr).toMatch(/drpo: 3 of 3 runs failed: .*drpo sweep sweep\.json --retry-failed$/);
    expect(await readFile(join(project.folder, "runs/s/logs/proportion=0.log"), "utf8")).toBe("hello\n");

    const launches = async () =>
      (await readFile(join(project.folder, "runs/s/launches.jsonl"), "utf8")).split("\n").length;
    const before = await launches();
    const again = await sweep(file, "--json");
    expect(again.exitCode).toBe(1);
    const { runs } = JSON.parse(again.stdout) as {
      runs: { name: string; state: { status: string; message: string } }[];
    };
    expect(runs[1]).toMatchObject({ name: "proportion=0.5", state: { status: "failed", message: "the loss is NaN" } });
    expect(await launches()).toBe(before);
    expect((await sweep(file, "--retry-failed")).exitCode).toBe(1);
    expect(await launches()).toBe(before + 6);

    const changed = await sweep({ ...file, set: { "policy.klCoef": 1 } });
    expect(changed.stderr).toMatch(/began with other runs:\n {2}proportion=0: policy\.klCoef=1 is new/);
    expect(changed.exitCode).toBe(2);
    await project.writeRecipe({ response: { maxTokens: 7 } });
    expect((await sweep(file)).stderr).toMatch(/proportion=0: .*recipe\.json says something else now/);
    await project.writeRecipe();
  });

  test("notices that a scheduler refused a run, or has lost it", async () => {
    const command = "case {name} in a) echo 'qsub: no such queue' >&2; exit 1;; *) echo 17;; esac";
    const launcher = { kind: "command", command, until: "submitted", alive: "test {job} != 17" };
    const runs = { kind: "list", runs: [{ name: "a" }, { name: "b" }] };
    const { exitCode, stdout } = await sweep({ runs, launcher, limits: { runs: 2 } }, "--run-dir", "lost");
    expect(stdout).toMatch(/^a: It could not be submitted: qsub: no such queue$/m);
    expect(stdout).toMatch(/^b: It was handed over, and the scheduler does not have it any more\.$/m);
    expect(exitCode).toBe(1);
  }, 120_000);

  test("quotes what it gives a shell, and keeps tokens out of scripts", async () => {
    const runs = { kind: "list", runs: [{ name: "a", set: { "data.prompt": "it's $HOME; rm -rf {x}" } }] };
    const command = "printf '%s\\n' {name} {directory} {log} {script} {command} ${UNSET}";
    await sweep({ runs, launcher: { kind: "command", command } }, "--run-dir", "quoted");
    const inside = (...names: string[]) => join(project.folder, "quoted", ...names);
    const log = (await readFile(inside("logs", "a.log"), "utf8")).split("\n");
    expect(log.slice(0, 4)).toEqual(["a", inside("a"), inside("logs", "a.log"), inside("jobs", "a.sh")]);
    expect(log[4]).toMatch(/--set 'data\.prompt=it'\\''s \$HOME; rm -rf \{x\}'$/);
    const script = await readFile(inside("jobs", "a.sh"), "utf8");
    expect(script).toContain(`export DRPO_CACHE_DIR=${join(project.folder, "cache")}\n`);
    expect(script).not.toContain("TOKEN");
  });
});
