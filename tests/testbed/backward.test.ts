import { describe, expect, test } from "@jest/globals";
import type { BatchRow, Output } from "../../src/ports/trainer.js";
import { backward } from "../../src/testbed/backward.js";
import { forward } from "../../src/testbed/forward.js";
import { contextKey, Table, everyContext } from "../../src/testbed/table.js";

const ROWS: readonly BatchRow[] = [
  { tokens: [0, 1, 2, 1], spanStart: 1, spanLength: 3 },
  { tokens: [0, 2], spanStart: 1, spanLength: 1 },
  { tokens: [1, 1, 1], spanStart: 2, spanLength: 0 },
];
const COEFFICIENTS = [0.5, -1, 2, 0.25];
const STEP = 1e-6;

const weight = (context: readonly number[], i: number) =>
  Math.sin(3 * i + context.reduce((sum, token) => 2 * sum + token + 1, 1));
const width = { logprobs: 3, values: 1, scores: 1 } as const;

/** sum coefficients * output, with one weight of one context changed. */
const objective = (output: keyof typeof width, temperature: number, changed = "", index = 0, change = 0): number => {
  const table = new Table(
    everyContext((context) =>
      Array.from(
        { length: width[output] },
        (_, i) => weight(context, i) + (contextKey(context) === changed && i === index ? change : 0),
      ),
    ),
  );
  return forward(table, ROWS, output, temperature).reduce((sum, x, i) => sum + x * COEFFICIENTS[i]!, 0);
};

describe.each([
  ["logprobs", 1],
  ["logprobs", 0.7],
  ["values", 1],
  ["scores", 1],
] as const)("%s at temperature %d", (output: Exclude<Output, "entropy">, temperature) => {
  const table = new Table(
    everyContext((context) => Array.from({ length: width[output] }, (_, i) => weight(context, i))),
  );
  const gradients = backward(table, ROWS, { output, temperature }, COEFFICIENTS);

  test("every weight that an output depends on has the gradient of finite differences", () => {
    for (const [key, { gradients: slopes }] of gradients) {
      slopes.forEach((slope, i) => {
        const difference = objective(output, temperature, key, i, STEP) - objective(output, temperature, key, i, -STEP);
        expect(slope).toBeCloseTo(difference / (2 * STEP), 7);
      });
    }
  });

  test("the contexts are those of the spans", () => {
    const contexts = output === "scores" ? ["0 1 2 1", "0 2", "1 1 1"] : ["0", "0 1", "0 1 2"];
    expect([...gradients.keys()].sort()).toEqual(contexts.sort());
  });
});
