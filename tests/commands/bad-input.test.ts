import { createServer } from "node:net";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startTestbed, type Testbed } from "../../src/testbed/start-testbed.js";
import type { Outcome } from "./run-drpo.js";
import { createTinyProject, hasPython, tinyRecipe, type TinyProject } from "./tiny-project.js";

let project: TinyProject;
beforeEach(async () => {
  project = await createTinyProject();
});
afterEach(() => project.remove());

const train = (...args: string[]) => project.drpo(["train", "recipe.json", ...args]);

/** The error is one message on standard error, and nothing was started. */
async function expectRefusal(outcome: Outcome, exitCode: number, ...messages: RegExp[]) {
  expect(outcome.stdout).toBe("");
  for (const message of messages) expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr.match(/^drpo: /gm)).toHaveLength(1);
  expect(outcome.stderr).not.toMatch(/^ +at /m);
  expect(outcome.exitCode).toBe(exitCode);
}

/** Refused before a run directory was made. */
async function expectBadInput(outcome: Outcome, ...messages: RegExp[]) {
  await expectRefusal(outcome, 2, ...messages);
  expect(existsSync(join(project.folder, "runs"))).toBe(false);
}

describe("a recipe", () => {
  test("with an unknown key names the nearest valid one", async () => {
    const { iterations, ...policy } = tinyRecipe.policy;
    await project.writeRecipe({ policy: { ...policy, itterations: iterations } });
    await expectBadInput(
      await train(),
      /policy\.itterations is not a key of a recipe; did you mean policy\.iterations\?/,
    );
  });

  test("with several problems names all of them at once", async () => {
    await project.writeRecipe({
      name: "Tiny",
      response: { maxTokens: 1.5 },
      policy: { ...tinyRecipe.policy, klCoef: "x" },
    });
    await expectBadInput(
      await train(),
      /3 problems/,
      /\n {2}name: .*"Tiny"/,
      /maxTokens is 1\.5: .*a whole number/,
      /klCoef is "x": .*a number/,
    );
  });

  test("with a negative learning rate says what it must be", async () => {
    await project.writeRecipe({ sft: { kind: "train", optimizer: { learningRate: -1 } } });
    await expectBadInput(await train(), /sft\.optimizer\.learningRate is -1: it must be more than 0/);
  });

  test("that is not JSON names line and column", async () => {
    await writeFile(join(project.folder, "recipe.json"), '{\n  "name": "tiny",\n  "seed": 1,\n}\n');
    await expectBadInput(await train(), /recipe\.json:4:1: .*comma/);
  });

  test("that is not there says so", async () => {
    await expectBadInput(await project.drpo(["train", "other.json"]), /other\.json: there is no such file/);
  });

  test("whose options conflict names both", async () => {
    await expectBadInput(
      await train("--set", "policy.reset.continuations=3"),
      /policy\.rolloutsPerIteration is 8 and policy\.reset\.continuations is 3/,
    );
  });
});

describe("a file that a recipe names", () => {
  test("and that is not there", async () => {
    await expectBadInput(await train("--set", "data.path=none.jsonl"), /data\.path: there is nothing at .*none\.jsonl/);
    await expectBadInput(await train("--set", "model.base=assets/none"), /model\.base: .*assets\/none.*fetch-assets/);
    const adapter = 'sft={"kind":"adapter","path":"base"}';
    await expectBadInput(await train("--set", adapter), /sft\.path: .*base has no adapter_config\.json/);
  });

  test("without a row", async () => {
    await project.writeData([]);
    await expectBadInput(await train(), /data\.jsonl has no rows/);
  });

  test("with a row without a preferred response", async () => {
    await project.writeData([
      { prompt: "w1", preferred: "w2", rejected: "w3" },
      { prompt: "w1", rejected: "w3" },
    ]);
    await project.writeRecipe({ data: { kind: "pairs", path: "data.jsonl" } });
    await expectBadInput(await train(), /data\.jsonl:2: .*preferred/);
  });

  test("in which nothing is rated above the threshold of a reset", async () => {
    await expectBadInput(
      await train("--set", "policy.reset.source.minRating=99"),
      /minRating is 99, but no response .* above it/,
    );
  });
});

describe("the command line", () => {
  test("refuses what it does not know, and what it cannot read", async () => {
    expect((await project.drpo(["trian"])).exitCode).toBe(2);
    expect((await project.drpo(["train", "recipe.json", "--sed", "1"])).stderr).toMatch(
      /unknown option '--sed'.*--seed/s,
    );
    expect((await project.drpo(["train", "recipe.json", "--seed", "-1"])).stderr).toMatch(/whole number, at least 0/);
    await expectBadInput(
      await train("--set", "policy.itterations=3"),
      /--set policy\.itterations=3: .*did you mean policy\.iterations/,
    );
    await expectBadInput(await train("--set", "policy"), /expected path=value/);
    await expectBadInput(await train("--set", "seed=2", "--seed", "3"), /--seed and --set seed/);
    await expectBadInput(await project.drpo(["train"]), /Which recipe\?/);
  });

  test("refuses to resume what is not there", async () => {
    await expectBadInput(await project.drpo(["train", "--resume", "--run-dir", "none"]), /no run to resume in .*none/);
    await expectBadInput(await train("--resume"), /no run to resume/);
    await expectBadInput(await project.drpo(["report", "none"]), /none holds no run/);
    await expectBadInput(await project.drpo(["sample", "none"]), /none holds no run/);
    await expectBadInput(await project.drpo(["export", "none", "--to", "out"]), /none holds no run/);
  });
});

describe("a server", () => {
  const remote = (address: string) => ({ kind: "remote", address, silenceTimeoutMs: 2000 });
  let testbed: Testbed;
  beforeAll(async () => {
    testbed = await startTestbed({ vocabulary: ["w1", "w2", "."], contextTokens: 16, schemaHash: "0".repeat(64) });
  });
  afterAll(() => testbed.close());

  test("of another proto version is refused", async () => {
    await project.writeRecipe({ server: remote(testbed.address), model: { base: "testbed:tiny" } });
    await expectRefusal(await train(), 3, /another (version of )?(the )?proto|schema/i);
    expect((await project.drpo(["doctor", "--server", testbed.address])).exitCode).toBe(3);
  });

  test("that nobody answers at is named", async () => {
    const port = await freePort();
    await project.writeRecipe({ server: remote(`127.0.0.1:${port}`), model: { base: "testbed:tiny" } });
    await expectRefusal(await train(), 3, new RegExp(`127\\.0\\.0\\.1:${port}`));
  });

  test("beyond loopback needs a certificate authority", async () => {
    await project.writeRecipe({ server: remote("models.example:50051") });
    await expectRefusal(await train(), 2, /server\.tlsCa/);
  });

  (hasPython ? test : test.skip)("whose port is in use is not started", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    await expectRefusal(await train("--set", `server.port=${port}`), 3, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
    other.close();
    // Nothing was computed: the run directory is in nobody's way.
    await project.writeRecipe({ server: remote(testbed.address), model: { base: "testbed:tiny" } });
    await expectRefusal(await train(), 3, /proto|schema/i);
  });

  test("whose interpreter is not there", async () => {
    await expectRefusal(
      await train("--set", "server.python=./none/python"),
      3,
      /server\.python: no Python interpreter at/,
    );
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
