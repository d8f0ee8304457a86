import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { checkpointHashes, journalHas } from "../commands/committed-run.js";
import { createTinyProject, hasPython, type TinyProject } from "../commands/tiny-project.js";

/** The whole command line with samplers beside the trainer: who and how many they are changes nothing. */
(hasPython ? describe : describe.skip)("drpo train with samplers", () => {
  let project: TinyProject;
  const inRun = (...path: string[]) => join(project.folder, ...path);
  const train = (directory: string, count: number) => [
    ...["train", "recipe.json", "--run-dir", directory],
    ...["--set", `server.samplers=[{"kind":"local","count":${count},"threads":1}]`, "--set", "server.samplerRows=3"],
    ...["--set", "server.overlap=true"],
  ];
  /** Lines of rollouts/; a resume opens a generation of the same weights. */
  const rolloutsOf = async (directory: string) => {
    const folder = inRun(directory, "rollouts");
    const files = (await readdir(folder)).sort().map((name) => readFile(join(folder, name), "utf8"));
    return (await Promise.all(files)).map((text) => text.replaceAll(/"generation":"\d+"/g, '"generation":"any"'));
  };

  beforeAll(async () => {
    project = await createTinyProject({ withBase: true });
  }, 240_000);
  afterAll(() => project?.remove());

  test("two samplers, and three whose orchestrator is killed and resumed: the same rollouts and weights, to the bit", async () => {
    const two = await project.drpo([...train("two", 2), "--json"]);
    expect(two.stderr).toMatch(/samplers: 2 x torch \S+ on cpu/);
    expect(two.exitCode).toBe(0);
    expect(existsSync(inRun("two", "checkpoints", "sync"))).toBe(true);
    expect(await readdir(inRun("two", "checkpoints", "sync"))).toEqual([]);
    expect(JSON.parse(await readFile(inRun("two", "recipe.json"), "utf8"))).toMatchObject({
      versions: { samplers: expect.stringMatching(/^2 x torch/) },
    });

    const killed = project.start(train("three", 3));
    await journalHas(inRun("three", "journal.jsonl"), '"iteration":2', killed);
    killed.kill("SIGKILL");
    await killed.ended;
    const resumed = await project.drpo(["train", "--resume", "--run-dir", "three", "--json"]);
    expect(resumed.stderr).toMatch(/samplers: 3 x torch[\s\S]*going on after iteration [23]/);
    expect(resumed.exitCode).toBe(0);
    expect(await checkpointHashes(inRun("three"), 4)).toEqual(await checkpointHashes(inRun("two"), 4));
    expect(await rolloutsOf("three")).toEqual(await rolloutsOf("two"));
    const evaluated = [two, resumed].map(({ stdout }) => (JSON.parse(stdout) as { evaluation: unknown }).evaluation);
    expect(evaluated[1]).toEqual(evaluated[0]);
  }, 600_000);

  test("--dry-run shows the samplers; a sampler that cannot be started is an error that names its log or interpreter", async () => {
    const shown = await project.drpo([...train("none", 3), "--dry-run"]);
    expect(shown.stdout).toMatch(
      /samplers +3 x torch on cpu; sub-batches of 3 rollouts, scored while others are sampled/,
    );
    const samplers = 'server.samplers=[{"kind":"local","python":"/nowhere/python"}]';
    const failed = await project.drpo(["train", "recipe.json", "--run-dir", "none", "--set", samplers]);
    expect(failed.stderr).toContain("/nowhere/python");
    expect(failed.exitCode).toBe(3);
  }, 240_000);
});
