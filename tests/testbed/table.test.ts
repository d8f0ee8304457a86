import { expect, test } from "@jest/globals";
import { Table, type TableGradients, everyContext } from "../../src/testbed/table.js";

const ADAMW = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };
const gradientsOf = (context: number[], gradients: number[]): TableGradients =>
  new Map([[context.join(" "), { context, gradients }]]);

test("a step of AdamW as PyTorch makes it", () => {
  const table = new Table(everyContext(() => [1, -2]));
  table.stepAdamW(gradientsOf([0], [0.5, -0.25]), ADAMW, 1);
  // The first step's bias-corrected moments are g and g^2, so the update is the sign of g.
  expect(table.read([0])[0]).toBeCloseTo(1 * 0.99 - 0.1, 7);
  expect(table.read([0])[1]).toBeCloseTo(-2 * 0.99 + 0.1, 7);
});

test("contexts that no gradient has reached decay as if they were stored", () => {
  const [lazy, dense] = [
    new Table(everyContext(([token]) => [token! + 1])),
    new Table(everyContext(([token]) => [token! + 1])),
  ];
  dense.stepAdamW(new Map([...gradientsOf([0], [1]), ...gradientsOf([1], [0])]), ADAMW, 1);
  lazy.stepAdamW(gradientsOf([0], [1]), ADAMW, 1);
  for (const step of [2, 3]) {
    for (const table of [lazy, dense]) table.stepAdamW(gradientsOf([1], [0.3]), ADAMW, step);
  }
  for (const context of [[0], [1], [2]]) expect(lazy.read(context)[0]).toBeCloseTo(dense.read(context)[0]!, 12);
});

test("a copy shares nothing", () => {
  const table = new Table(everyContext(() => [0]));
  table.stepAdamW(gradientsOf([0], [1]), ADAMW, 1);
  const copy = table.copy({ withMoments: false });
  expect(copy.read([0])).toEqual(table.read([0]));
  copy.stepAdamW(gradientsOf([0], [1]), ADAMW, 1);
  expect(copy.read([0])).not.toEqual(table.read([0]));
});

test("moments move weights on after the gradient has gone; a copy without them stands still", () => {
  const noDecay = { ...ADAMW, weightDecay: 0 };
  const table = new Table(everyContext(() => [0]));
  table.stepAdamW(gradientsOf([0], [1]), noDecay, 1);
  const [moving, still] = [table.copy({ withMoments: true }), table.copy({ withMoments: false })];
  for (const copy of [moving, still]) copy.stepAdamW(new Map(), noDecay, 2);
  expect(moving.read([0])[0]).toBeLessThan(table.read([0])[0]!);
  expect(still.read([0])).toEqual(table.read([0]));
});

test("a row that is looked at late has made the same steps as one that is looked at after each", () => {
  const [late, prompt] = [0, 1].map(() => new Table(everyContext(([token]) => [token! + 1, 0.5])));
  for (const step of [1, 2, 3, 4, 5, 6]) {
    const gradients = step % 3 === 1 ? gradientsOf([0], [step, -1]) : gradientsOf([1], [1, step]);
    for (const table of [late!, prompt!]) table.stepAdamW(gradients, { ...ADAMW, learningRate: 0.1 / step }, step);
    for (const context of [[0], [1], [2]]) prompt!.read(context);
  }
  expect(late!.toRows()).toEqual(prompt!.toRows());
  expect(late!.read([0])).toEqual(prompt!.read([0]));
});

test("a gradient of zeros stores nothing", () => {
  const table = new Table(everyContext(() => [1]));
  table.stepAdamW(gradientsOf([0], [0]), ADAMW, 1);
  expect(table.toRows()).toEqual([]);
  expect(table.read([0])[0]).toBeCloseTo(0.99, 12);
});
