import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { checkMemory, checkNode, type Finding } from "../../src/commands/doctor/doctor-checks.js";
import { startTestbed, type Testbed } from "../../src/testbed/start-testbed.js";
import { runDrpo } from "./run-drpo.js";

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
    expect(stderr).toMatch(/drpo: \d of 7 checks found a problem/);
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
