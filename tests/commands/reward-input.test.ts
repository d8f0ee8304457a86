import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTinyProject, tinyRecipe, type TinyProject } from "./tiny-project.js";

let project: TinyProject;
beforeAll(async () => {
  project = await createTinyProject();
  await project.writeRecipe({ policy: { ...tinyRecipe.policy, reset: {} } });
  await writeFile(
    join(project.folder, "score.ts"),
    `import type { UserRewardFunction } from "drpo";
     const score: UserRewardFunction = ({ responseText }) => responseText.length;
     export default score;
     export const limit: number = 5;`,
  );
});
afterAll(() => project.remove());

/** Plans a run, which reads a user's module and the environment, and starts nothing. */
const plan = (reward: object, environment: Record<string, string> = {}) =>
  project.drpo(["train", "recipe.json", "--dry-run", "--set", `reward=${JSON.stringify(reward)}`], { environment });

describe("before a run is started", () => {
  test("a user's TypeScript is loaded", async () => {
    const { stdout, stderr, exitCode } = await plan({ kind: "function", module: "score.ts" });
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^reward +a function$/m);
  });

  test.each<[string, object, RegExp]>([
    ["that is not there", { module: "none.ts" }, /reward\.module: there is nothing at .*none\.ts/],
    ["without the export", { module: "score.ts", export: "scores" }, /exports no scores; it exports default, limit/],
    ["whose export is no function", { module: "score.ts", export: "limit" }, /limit of .* is of type number/],
  ])("a module %s is refused", async (_what, options, message) => {
    const { stderr, exitCode } = await plan({ kind: "function", ...options });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(exitCode).toBe(2);
    expect(existsSync(join(project.folder, "runs"))).toBe(false);
  });

  test("a verifier's token is asked for, and not shown", async () => {
    const reward = { kind: "http", url: "https://verifier.example/score", tokenEnv: "VERIFIER_TOKEN" };
    const missing = await plan(reward);
    expect(missing.stderr).toMatch(/reward\.tokenEnv names the environment variable VERIFIER_TOKEN, which is not set/);
    expect(missing.exitCode).toBe(2);
    const { stdout, exitCode } = await plan(reward, { VERIFIER_TOKEN: "s3cret" });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("VERIFIER_TOKEN");
    expect(stdout).not.toContain("s3cret");
  });
});
