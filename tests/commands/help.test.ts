import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { ROOT, runDrpo } from "./run-drpo.js";
import { readFileSync } from "node:fs";
import { join } from "node:path";

describe("help", () => {
  test.each([
    "",
    "train",
    "sweep",
    "serve",
    "serve start",
    "serve status",
    "serve logs",
    "serve stop",
    "sample",
    "export",
    "doctor",
    "report",
    "dashboard",
  ])("of drpo %s has an example", async (command) => {
    const { stdout, stderr, exitCode } = await runDrpo([...command.split(" ").filter(Boolean), "--help"]);
    expect(stdout).toMatch(new RegExp(`^Usage: drpo ${command}`));
    expect(stdout).toMatch(/Examples?:\n {2}\$ .*drpo/);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });

  test("of drpo sample has the prompt of the quickstart as its model reads it, chat tokens included", async () => {
    const { stdout } = await runDrpo(["sample", "--help"]);
    const [word] = /\$'.*'/.exec(stdout)!;
    const typed = execFileSync("bash", ["-c", `printf '%s.' ${word}`], { encoding: "utf8" });
    const recipe = JSON.parse(readFileSync(join(ROOT, "recipes", "reviews.json"), "utf8")) as {
      readonly data: { readonly prompt: string };
    };
    expect(typed).toBe(`${recipe.data.prompt}.`);
  });

  test("is what no command at all gives, as an error", async () => {
    const { stdout, stderr, exitCode } = await runDrpo([]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^Usage: drpo/);
    expect(exitCode).toBe(2);
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
    expect(await runDrpo(["--version"])).toEqual({ stdout: version, stderr: "", exitCode: 0 });
  });
});
