import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { mirrorDescentStep } from "../../../src/study/npg/mirror-descent-step.js";
import { logSoftmax } from "../../../src/testbed/softmax.js";
import { stateKls } from "../../../src/testbed/tree-kl.js";

const three = fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -2, max: 2, noNaN: true })));

test("no other distribution does better at what the step minimises", () => {
  fc.assert(
    fc.property(three, three, three, three, (policyLogits, referenceLogits, q, otherLogits) => {
      const [policy, reference, other] = [policyLogits, referenceLogits, otherLogits].map((logits) => [
        logSoftmax(logits),
      ]);
      const [eta, klCoef] = [0.7, 0.4];
      const objective = (p: readonly (readonly number[])[]): number =>
        -p[0]!.reduce((sum, logprob, token) => sum + Math.exp(logprob) * q[token]!, 0) +
        klCoef * stateKls(p, reference!)[0]! +
        stateKls(p, policy!)[0]! / eta;
      const stepped = mirrorDescentStep({ policy: policy!, reference: reference! }, [q], { eta, klCoef });
      expect(objective(stepped)).toBeLessThanOrEqual(objective(other!) + 1e-12);
    }),
    { seed: 1 },
  );
});

test("without values it only comes nearer to the reference, and stays there", () => {
  const [policy, reference] = [[logSoftmax([1, 0])], [logSoftmax([0, 1])]];
  const step = (from: typeof policy) => mirrorDescentStep({ policy: from, reference }, [[0, 0]], { eta: 1, klCoef: 1 });
  expect(stateKls(step(policy), reference)[0]).toBeLessThan(stateKls(policy, reference)[0]!);
  step(reference)[0]!.forEach((logprob, token) => expect(logprob).toBeCloseTo(reference[0]![token]!, 12));
});
