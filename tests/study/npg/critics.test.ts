import { describe, expect, test } from "@jest/globals";
import { Random } from "../../../src/math/random.js";
import { sampledCritic } from "../../../src/study/npg/critics.js";
import { randomProblem } from "../../../src/study/npg/npg-problem.js";
import { rollOut } from "../../../src/study/npg/roll-out.js";
import { stateVisits } from "../../../src/testbed/state-visits.js";
import { greedyPolicy, optimalValues, policyValues } from "../../../src/testbed/tree-values.js";

const { tree, reference } = randomProblem({ horizon: 3, actions: 2, maxScore: 1 }, 5);
const policy = greedyPolicy(policyValues(tree, reference));
const exact = policyValues(tree, policy).q;
const draw = (count: number) => {
  const random = new Random(3n);
  return Array.from({ length: count }, () => rollOut({ tree, policy: reference, start: 0, random }));
};

test("rollouts visit states as often as the policy does", () => {
  const [count, counts] = [20_000, tree.states.map(() => 0)];
  for (const { states } of draw(count)) for (const state of states) counts[state]!++;
  for (const [state, visit] of stateVisits(tree, reference).entries()) {
    const deviation = Math.sqrt((visit * (1 - visit)) / count);
    expect(Math.abs(counts[state]! / count - visit)).toBeLessThanOrEqual(4.5 * deviation);
  }
});

describe("the sampled critic", () => {
  const criticOf = (count: number, iterations: number) =>
    sampledCritic({ tree, reference, trajectories: draw(count), iterations, random: new Random(4n) });

  test("tends to Q^pi in every state and for every token, as both pi_SFT and the policy act first", () => {
    const estimate = criticOf(60_000, 1)({ policy, exact, t: 1 });
    for (const [state, row] of exact.entries()) {
      row.forEach((value, token) => expect(Math.abs(estimate[state]![token]! - value)).toBeLessThan(0.05));
    }
  });

  test("of a policy that is certain is exact where it has been, and 0 elsewhere", () => {
    const best = greedyPolicy(optimalValues(tree));
    const q = policyValues(tree, best).q;
    // From the last step on the score is certain, whatever acts first.
    const estimate = criticOf(40, 8)({ policy: best, exact: q, t: 8 });
    const entries = estimate.flatMap((row, state) => row.map((value, token) => [value, q[state]![token]!] as const));
    for (const [value, expected] of entries) expect(value === 0 || Math.abs(value - expected) < 1e-12).toBe(true);
    const seen = entries.filter(([value]) => value !== 0).length;
    expect(seen).toBeGreaterThan(0);
    // Five trajectories, so at most five cells.
    expect(seen).toBeLessThanOrEqual(5);
  });
});
