import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const ROOT = resolve(import.meta.dirname, "../..");
const venvPython = join(ROOT, ".venv/bin/python");
const python = process.env["DRPO_PYTHON"] ?? (existsSync(venvPython) ? venvPython : "python3");

test("the cleaning rules of scripts/fetch_assets.py do what their examples say", () => {
  const report = execFileSync(python, ["-m", "doctest", "-v", join(ROOT, "scripts/fetch_assets.py")], {
    encoding: "utf8",
  });
  expect(report).toMatch(/4 passed/);
});
