import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { buildOnce, ROOT } from "./run-drpo.js";
import { createTinyProject, hasPython, type TinyProject } from "./tiny-project.js";

const CLI = join(ROOT, "dist", "cli.js");

let project: TinyProject;
beforeAll(async () => {
  buildOnce();
  project = await createTinyProject({ withBase: hasPython });
});
afterAll(() => project.remove());

interface Shown {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a line of the shell in the project's folder; "drpo" in it is the command line. */
const shell = (line: string, environment: Readonly<Record<string, string>> = {}): Promise<Shown> =>
  new Promise((resolve) => {
    const script = `drpo() { "${process.execPath}" "${CLI}" "$@"; }; ${line}`;
    const env = { ...process.env, NODE_OPTIONS: "", DRPO_CACHE_DIR: join(project.folder, "cache"), ...environment };
    execFile("bash", ["-c", script], { cwd: project.folder, env }, (error, stdout, stderr) =>
      resolve({ exitCode: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });

describe("what is only shown does not end a run", () => {
  const train = hasPython ? test : test.skip;

  train.each([
    ["a standard error that is full", "2>/dev/full"],
    ["a standard error that is closed", "2>&-"],
    ["a standard error whose reader goes away", "2> >(head -1 >/dev/null)"],
    ["a standard output that is full", ">/dev/full"],
    ["a standard output whose reader is gone", "> >(true)"],
    ["both of them full", ">/dev/full 2>/dev/full"],
  ])("%s", async (_, redirection) => {
    const name = `run-${redirection.replaceAll(/[^a-z0-9]+/g, "-")}`;
    const { exitCode } = await shell(`drpo train recipe.json --run-dir ${name} ${redirection}`);
    expect(exitCode).toBe(0);
    const journal = readFileSync(join(project.folder, name, "journal.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(JSON.parse(journal.at(-1)!)).toMatchObject({ event: "ended", outcome: "done" });
    expect(existsSync(join(project.folder, name, "report.html"))).toBe(true);
  });
});

describe("what has nothing but its output", () => {
  test.each(["train recipe.json --dry-run", "doctor", "--help", "train --help"])(
    "%s fails on a full one",
    async (args) => {
      const { exitCode, stderr } = await shell(`drpo ${args} >/dev/full`);
      expect(exitCode).toBe(3);
      expect(stderr).not.toMatch(/^ +at /m);
      expect(stderr).toMatch(/Standard output could not be written \(ENOSPC\): the result is lost/);
    },
  );

  test("and a reader that has seen enough is no error", async () => {
    const { exitCode } = await shell("drpo train recipe.json --dry-run > >(true)");
    expect(exitCode).toBe(0);
  });
});

describe("a folder that cannot be written", () => {
  beforeAll(() => {
    symlinkSync("nowhere", join(project.folder, "link"));
    mkdirSync(join(project.folder, "run"));
  });

  test.each([
    ["train recipe.json", "DRPO_CACHE_DIR"],
    ["train recipe.json --dry-run", "DRPO_CACHE_DIR"],
    ["doctor", "DRPO_CACHE_DIR"],
  ])("%s names the cache", async (args, name) => {
    writeFileSync(join(project.folder, "file"), "");
    const { exitCode, stdout, stderr } = await shell(`drpo ${args}`, {
      DRPO_CACHE_DIR: join(project.folder, "file", "cache"),
    });
    expect(exitCode).toBe(3);
    expect(stdout + stderr).toMatch(/Cannot write to .*file\/cache, the folder of the cache/);
    expect(stdout + stderr).toContain(name);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test("is a home folder that is not known", async () => {
    const { exitCode, stderr } = await shell("unset DRPO_CACHE_DIR XDG_CACHE_HOME; HOME= drpo train recipe.json");
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/HOME is not set.*Set DRPO_CACHE_DIR/)]);
  });

  test.each([
    ["train recipe.json --run-dir link/run", "--run-dir"],
    ["report run --to link", "--to"],
    ["study npg --quick --to link/study", "--to"],
    ["export run --to link", "--to"],
  ])("%s names the option", async (args, option) => {
    const { exitCode, stderr } = await shell(`drpo ${args}`);
    expect(stderr).toMatch(/the link .*link leads to nowhere/);
    expect(stderr).toContain(`name another with ${option}`);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(exitCode).toBe(2);
  });
});
