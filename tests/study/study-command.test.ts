import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { LOCK, studyLock } from "../../src/study/lock/study-lock.js";
import { runDrpo } from "../commands/run-drpo.js";
import { silent } from "./silent-progress.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-study-"));
});
afterAll(() => rm(folder, { recursive: true }));

const SMALL = ["study", "npg", "--quick", "--seeds", "1", "--iterations", "4,1", "--kl-coefs", "0.1"];

describe("drpo study", () => {
  test.each([["study"], ["study npg"]])("%s --help has an example", async (command) => {
    const { stdout, stderr, exitCode } = await runDrpo([...command.split(" "), "--help"]);
    expect(stdout).toMatch(new RegExp(`^Usage: drpo ${command} `));
    expect(stdout).toMatch(/Examples:\n {2}\$ drpo study/);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("--json prints the figures alone, and the same are in the folder", async () => {
    const { stdout, stderr, exitCode } = await runDrpo([...SMALL, "--json", "--to", "here"], { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("npg: 10 iterations");
    const figures = JSON.parse(stdout) as { readonly runs: readonly { readonly iterations: number }[] };
    expect(figures.runs.map(({ iterations }) => iterations)).toEqual([1, 4, 1, 4]);
    expect((await readdir(join(folder, "here"))).sort()).toEqual(["figures.json", "study.html", "study.md"]);
    expect(JSON.parse(await readFile(join(folder, "here", "figures.json"), "utf8"))).toEqual(figures);
  });

  test("without it prints the table, and says where the page is", async () => {
    const { stdout, exitCode } = await runDrpo(SMALL, { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^# NPG with dataset resets/);
    expect(stdout).toMatch(/Page: studies\/npg\/study.html$/);
  });

  test.each([
    [["study", "npg", "--iterations", "4,x"], "whole number"],
    [["study", "npg", "--kl-coefs", "0"], "above 0"],
    [["study", "npg", "--trajectories", "5"], "--trajectories"],
    [["study", "nothing"], "unknown command"],
  ])("%j is bad input", async (args, message) => {
    const { stdout, stderr, exitCode } = await runDrpo(args, { cwd: folder });
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });
});

test("the studies of locks run on threads of their own, and give what one thread gives", async () => {
  const args = ["study", "lock", "--horizons", "3", "--seeds", "2", "--json"];
  const { stdout, exitCode } = await runDrpo(args, { cwd: folder });
  expect(exitCode).toBe(0);
  const inThread = await studyLock({ ...LOCK, horizons: [3], seeds: [1, 2] }, { progress: silent });
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(inThread.figures)));
});
