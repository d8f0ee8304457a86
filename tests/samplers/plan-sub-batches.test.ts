import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { SampleContext } from "../../src/ports/sampler.js";
import { planSubBatches } from "../../src/samplers/plan-sub-batches.js";

const context = (tokens: readonly number[], more: Partial<SampleContext> = {}): SampleContext => ({
  tokens,
  maxNewTokens: 4,
  firstPosition: 0,
  seeds: [1n],
  ...more,
});
const contextsOf = (contexts: readonly SampleContext[], size: number) =>
  planSubBatches(contexts, size).map(({ places }) => places.map(({ contextIndex }) => contextIndex));

test("contexts that share a prefix are sampled together, wherever they are in the request", () => {
  const prompts = [
    [1, 1, 1, 1],
    [2, 2, 2, 2],
    [3, 3, 3, 3],
  ];
  const contexts = [0, 1, 2, 0, 1, 2].map((prompt, i) => context([...prompts[prompt]!, i]));
  expect(contextsOf(contexts, 2)).toEqual([
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
});

test("what may take longest comes first, and beside what may take as long", () => {
  const contexts = [2, 9, 3, 8].map((maxNewTokens, i) => context([10 * i, 1, 2], { maxNewTokens }));
  const plan = planSubBatches(contexts, 2);
  expect(plan.map(({ longest }) => longest)).toEqual([9, 3]);
  expect(contextsOf(contexts, 2)).toEqual([
    [1, 3],
    [2, 0],
  ]);
});

test("under a prefix that all share, contexts are still told apart by what they do not share", () => {
  const shared = Array.from({ length: 40 }, () => 7);
  const tail = (value: number) => Array.from({ length: 20 }, () => value);
  const contexts = [2, 9, 3, 8].map((maxNewTokens, i) => context([...shared, ...tail(i)], { maxNewTokens }));
  expect(contextsOf(contexts, 2)).toEqual([
    [1, 3],
    [2, 0],
  ]);
});

test("a context is cut only if it has more continuations than a sub-batch has rows", () => {
  const seeds = [1n, 2n, 3n, 4n, 5n];
  const plan = planSubBatches([context([1], { seeds: seeds.slice(0, 3) }), context([2], { seeds })], 4);
  expect(plan.map(({ rows }) => rows)).toEqual([4, 3, 1]);
  const parts = plan.flatMap(({ places, contexts }) =>
    places.map((place, i) => ({ ...place, seeds: contexts[i]!.seeds })),
  );
  expect(parts).toContainEqual({ contextIndex: 1, firstSeed: 4, seeds: [5n] });
});

test("every rollout is in one sub-batch, none is larger than it may be, and order of rows is all that counts", () => {
  const contexts = fc.array(
    fc.record({
      tokens: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }),
      maxNewTokens: fc.integer({ min: 1, max: 5 }),
      firstPosition: fc.constant(0),
      seeds: fc.array(fc.bigInt({ min: 0n, max: 99n }), { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(contexts, fc.integer({ min: 1, max: 7 }), (all, size) => {
      const plan = planSubBatches(all, size);
      const seen = plan.flatMap(({ contexts: inside, places, rows }) => {
        expect(rows).toBeLessThanOrEqual(size);
        return places.flatMap(({ contextIndex, firstSeed }, i) =>
          inside[i]!.seeds.map((seed, j) => {
            expect(inside[i]).toMatchObject({ ...all[contextIndex]!, seeds: inside[i]!.seeds });
            expect(seed).toBe(all[contextIndex]!.seeds[firstSeed + j]);
            return `${contextIndex}/${firstSeed + j}`;
          }),
        );
      });
      const wanted = all.flatMap(({ seeds }, i) => seeds.map((_, j) => `${i}/${j}`));
      expect([...seen].sort()).toEqual([...wanted].sort());
    }),
    { seed: 1 },
  );
});
