import { expect, test } from "@jest/globals";
import { parametersInName } from "../../src/report/parameters-in-name.js";

test.each([
  ["/bases/pythia-2.8b", 2.8e9],
  ["smollm2-135m-instruct", 135e6],
  ["EleutherAI/pythia-6.9B-deduped", 6.9e9],
  ["tiny-800k", 8e5],
  ["hh-125m", 125e6],
  ["gpt-neox-s", null],
  ["llama-3b8", null],
  ["v2.0-beta", null],
])("%s has %s weights", (name, weights) => {
  expect(parametersInName(name)).toBe(weights);
});
