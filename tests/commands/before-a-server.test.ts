import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { commit } from "../run/run-fixtures.js";
import { createTinyProject, tinyRecipe, type TinyProject } from "./tiny-project.js";

/** Nobody answers there: a command that got as far as its server would end with 3, the code of the environment. */
const server = { kind: "remote", address: "127.0.0.1:1" };

describe("what is wrong with a request is said before its server is called", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject();
    const pairs = { kind: "pairs", path: "data.jsonl" };
    const scored = { kind: "http", url: "http://127.0.0.1:1/score" };
    await writeRun("pairs", { data: pairs }, 1);
    await writeRun("new", {}, 0);
    await writeRun("scored", { reward: scored }, 1);
  });
  afterAll(() => project.remove());

  const writeRun = async (name: string, changes: object, iterations: number): Promise<void> => {
    const source = { raw: { ...tinyRecipe, server, ...changes }, name, folder: project.folder };
    const recipe = resolveRecipe(source, registeredRecipeSchema);
    const run = await openRunDirectory({ directory: join(project.folder, name), recipe, resume: false });
    if (iterations > 0) await run.commit(commit(iterations));
    await run.close();
  };

  test.each<[string, readonly string[], RegExp]>([
    ["sample without a prompt of data that has many", ["sample", "pairs"], /data has many prompts: give one/],
    ["sample of a policy that is not there yet", ["sample", "new", "w1"], /has no policy yet: nothing is committed/],
    ["export of a policy that is not there yet", ["export", "new", "--to", "out"], /has no policy yet/],
    [
      "export of a reward model of a run that has none",
      ["export", "scored", "--model", "reward-model", "--to", "out"],
      /has no reward model: its scores come from elsewhere/,
    ],
    ["sample of what is no run", ["sample", "base", "w1"], /holds no run: there is no recipe\.json\. Check the folder/],
    ["evaluate of what is no run", ["evaluate", "base"], /holds no run: there is no recipe\.json\. Check the folder/],
    ["report of what is no run", ["report", "base"], /no run/],
  ])("%s", async (_, args, message) => {
    const { stderr, exitCode, stdout } = await project.drpo(args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });

  test("and a request that is right gets to the server", async () => {
    const { stderr, exitCode } = await project.drpo(["sample", "pairs", "w1"]);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
    expect(exitCode).toBe(3);
  });
});
