import { afterAll, expect, test } from "@jest/globals";
import { EnvironmentError } from "../../src/errors.js";
import { findVllmPython } from "../../src/server/find-vllm-python.js";
import { createTemporaryFolder } from "./temporary-folder.js";

const folder = createTemporaryFolder();
afterAll(() => folder.remove());

test("the option comes first, then DRPO_VLLM_PYTHON, and DRPO_PYTHON never", () => {
  const [one, two] = [folder.script("one", ""), folder.script("two", "")];
  expect(findVllmPython(one, { DRPO_VLLM_PYTHON: two })).toBe(one);
  expect(findVllmPython(undefined, { DRPO_VLLM_PYTHON: two, DRPO_PYTHON: one })).toBe(two);
});

test("one that is not there is refused, with what to run", () => {
  const find = () => findVllmPython(undefined, { DRPO_VLLM_PYTHON: "/nowhere/python" });
  expect(find).toThrow(EnvironmentError);
  expect(find).toThrow(/\/nowhere\/python.*setup-vllm/);
});
