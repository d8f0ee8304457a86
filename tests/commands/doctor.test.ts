import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  checkAssets,
  checkMemory,
  checkNode,
  checkRecipe,
  type Finding,
} from "../../src/commands/doctor/doctor-checks.js";
import { startTestbed, type Testbed } from "../../src/testbed/start-testbed.js";
import { runDrpo } from "./run-drpo.js";
import { createTinyProject } from "./tiny-project.js";

const GIB = 2 ** 30;

describe("a check of the doctor", () => {
  test.each([
    ["20.11.0", true],
    ["22.0.0", true],
    ["20.10.1", false],
    ["18.20.0", false],
  ])("of Node %s", (version, isOk) => {
    const finding = checkNode(version);
    expect(finding.isOk).toBe(isOk);
    expect(finding.mend === undefined).toBe(isOk);
  });

  test("of memory takes a container's limit into account", () => {
    expect(checkMemory(20 * GIB, 24 * GIB, 0)).toMatchObject({ isOk: true, found: "20.0 GiB free of 24.0 GiB" });
    expect(checkMemory(20 * GIB, 24 * GIB, 2 * GIB)).toMatchObject({ isOk: false, found: "2.0 GiB free of 2.0 GiB" });
    expect(checkMemory(3 * GIB, 24 * GIB, 0).mend).toMatch(/end other programs/);
  });
});

test("the quickstart's assets are a hint where they are not there, and no problem", async () => {
  const empty = await mkdtemp(join(tmpdir(), "drpo-assets-"));
  expect(checkAssets(empty)).toMatchObject({ isOk: true, hint: expect.stringMatching(/scripts\/fetch-assets/) });
  expect(checkAssets(empty).mend).toBeUndefined();
  const files = ["smollm2-135m-instruct/model.safetensors", "hutto-2014/movies.jsonl"];
  for (const file of files) {
    await mkdir(dirname(join(empty, "assets", file)), { recursive: true });
    await writeFile(join(empty, "assets", file), "");
  }
  expect(checkAssets(empty)).toEqual({ name: "assets", isOk: true, found: `in ${join(empty, "assets")}` });
  await rm(empty, { recursive: true });
});

test("a recipe is checked with the files that it names", async () => {
  const project = await createTinyProject();
  const path = await project.writeRecipe({ server: { kind: "remote", address: "127.0.0.1:1" } });
  expect(await checkRecipe(path)).toMatchObject({ isOk: true });
  await rm(join(project.folder, "data.jsonl"));
  expect(await checkRecipe(path)).toMatchObject({
    isOk: false,
    found: expect.stringMatching(/data\.path: there is nothing at .*data\.jsonl/),
  });
  const outcome = await project.drpo(["doctor", "recipe.json", "--json"]);
  const { isOk, findings } = JSON.parse(outcome.stdout) as { readonly isOk: boolean; readonly findings: Finding[] };
  expect(isOk).toBe(false);
  expect(findings.find(({ name }) => name.startsWith("recipe"))).toMatchObject({ isOk: false });
  expect(findings.some(({ name }) => name === "assets")).toBe(false);
  expect(outcome.exitCode).toBe(3);
  await project.remove();
});

describe("drpo doctor", () => {
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await startTestbed({ vocabulary: ["a", "."], contextTokens: 8, token: "secret" });
  });
  afterAll(() => testbed.close());

  const examine = async (environment: Readonly<Record<string, string>>, ...args: string[]) => {
    const { stdout, stderr, exitCode } = await runDrpo(["doctor", "--json", ...args], { environment });
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    return { stderr, exitCode, of: (name: string) => findings.find((finding) => finding.name === name) };
  };

  test("finds a server, and says how to mend a missing interpreter", async () => {
    const environment = { DRPO_PYTHON: "/nonexistent/python", DRPO_SERVER_TOKEN: "secret" };
    const { of, stderr, exitCode } = await examine(environment, "--server", testbed.address);
    expect(of(`server ${testbed.address}`)).toMatchObject({ isOk: true });
    expect(of("Python")).toMatchObject({ isOk: false, mend: expect.stringMatching(/scripts\/setup/) });
    expect(of("Node")).toMatchObject({ isOk: true });
    expect(stderr).toMatch(/drpo: \d of 8 checks found a problem/);
    expect(exitCode).toBe(3);
  });

  test("names an interpreter that lacks packages, and a server that wants another token", async () => {
    const environment = { DRPO_PYTHON: process.execPath, DRPO_SERVER_TOKEN: "wrong" };
    const { of, exitCode } = await examine(environment, "--server", testbed.address);
    expect(of("Python")).toMatchObject({ isOk: false });
    expect(of(`server ${testbed.address}`)).toMatchObject({
      isOk: false,
      found: expect.stringMatching(/token/i),
    });
    expect(exitCode).toBe(3);
  });
});
