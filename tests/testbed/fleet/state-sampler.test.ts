import { expect, test } from "@jest/globals";
import { createStateSampler } from "../../../src/testbed/fleet/state-sampler.js";
import { drawContexts, samplingParams } from "../../../src/testbed/fleet/fleet-workload.js";
import { lengthPolicy } from "../../../src/testbed/fleet/length-policy.js";
import { sampleRollout } from "../../../src/testbed/sample-rollout.js";
import { lastTokens, Table } from "../../../src/testbed/table.js";

const lengths = { medianTokens: 20, spread: 0.8 };
const { world, eosTokenId } = lengthPolicy(lengths);
const params = samplingParams(eosTokenId);
const table = new Table(lastTokens(1, (state) => world.logits!(state, { base: "", model: "" })));
const workload = { seed: 1, prompts: 40, continuations: 3, promptTokens: [2, 9], lengths, budget: 60 } as const;

test("writes what the testbed's sampler writes", () => {
  const write = createStateSampler(table, params);
  for (const { seeds, ...context } of drawContexts({ ...workload, resetProportion: 0.5 })(0)) {
    for (const seed of seeds) expect(write({ ...context, seed })).toEqual(sampleRollout(table, context, seed, params));
  }
});

test("lengths are spread widely, and some rows use their whole budget", () => {
  const write = createStateSampler(table, params);
  const contexts = drawContexts({ ...workload, prompts: 400, resetProportion: 0 })(0);
  const rows = contexts.flatMap(({ seeds, ...context }) => seeds.map((seed) => write({ ...context, seed })));
  const sorted = rows.map(({ tokens }) => tokens.length).sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.floor(share * sorted.length)]!;
  expect(quantile(0.5)).toBeGreaterThan(10);
  expect(quantile(0.5)).toBeLessThan(30);
  expect(quantile(0.9)).toBeGreaterThan(2 * quantile(0.5));
  expect(rows.filter(({ finishReason }) => finishReason === "length").length).toBeGreaterThan(10);
});

test("an iteration's rows are a function of it, and another iteration has others", () => {
  const draw = drawContexts({ ...workload, resetProportion: 1 });
  expect(draw(3)).toEqual(drawContexts({ ...workload, resetProportion: 1 })(3));
  expect(draw(4)).not.toEqual(draw(3));
  for (const { maxNewTokens, firstPosition } of draw(3)) expect(maxNewTokens + firstPosition).toBe(workload.budget);
});
