import { afterAll, expect, test } from "@jest/globals";
import { EnvironmentError } from "../../src/errors.js";
import { findPython } from "../../src/server/find-python.js";
import { createTemporaryFolder } from "./temporary-folder.js";

const folder = createTemporaryFolder();
afterAll(() => folder.remove());

test("the option comes first, then DRPO_PYTHON", () => {
  const [one, two] = [folder.script("one", ""), folder.script("two", "")];
  expect(findPython(one, { DRPO_PYTHON: two })).toBe(one);
  expect(findPython(undefined, { DRPO_PYTHON: two })).toBe(two);
});

test("a name is left to PATH", () => {
  expect(findPython("python3.11", {})).toBe("python3.11");
});

test("one that was named is refused where it is not there, never replaced", () => {
  const find = () => findPython(undefined, { DRPO_PYTHON: "/nowhere/python" });
  expect(find).toThrow(EnvironmentError);
  expect(find).toThrow(/DRPO_PYTHON.*\/nowhere\/python/);
});

test("without a name it is the package's own, or python3", () => {
  expect(findPython(undefined, {})).toMatch(/\.venv\/bin\/python$|^python3$/);
});
