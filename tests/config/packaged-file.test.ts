import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { isPackaged, packagedFile } from "../../src/config/packaged-file.js";
import { ROOT } from "../commands/run-drpo.js";

test("a file of the package is named from where the user is, and whole from elsewhere", () => {
  expect(packagedFile("scripts/setup", ROOT)).toBe("./scripts/setup");
  expect(packagedFile("scripts/setup", join(ROOT, ".."))).toMatch(/^\.\/[^/]+\/scripts\/setup$/);
  expect(packagedFile("scripts/setup", join(ROOT, "docs"))).toBe(join(ROOT, "scripts", "setup"));
});

test("a name that a shell would cut reaches it whole", () => {
  const typed = packagedFile("scripts/it's here", "/");
  expect(execFileSync("sh", ["-c", `printf %s ${typed}`], { encoding: "utf8" })).toBe(
    `.${join(ROOT, "scripts/it's here")}`,
  );
});

test("what is not there is not advised", () => {
  expect(isPackaged("scripts/setup")).toBe(true);
  expect(isPackaged("scripts/no-such-script")).toBe(false);
});
