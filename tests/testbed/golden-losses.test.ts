import { expect, test } from "@jest/globals";
import type { Loss } from "../../src/ports/trainer.js";
import { evaluateLoss } from "../../src/testbed/losses.js";
import { expectNear, readGolden } from "../math/golden-vectors.js";

interface GoldenLoss {
  readonly name: string;
  readonly loss: Loss;
  readonly spanLengths: readonly number[];
  readonly x: readonly number[];
  readonly value: number;
  readonly gradients: readonly number[];
}

const golden = readGolden<readonly GoldenLoss[]>("losses");

/** A record, so that a new kind of loss that is not here does not compile. */
const KINDS: Readonly<Record<Loss["kind"], true>> = {
  crossEntropy: true,
  clippedSurrogate: true,
  clippedValue: true,
  bradleyTerry: true,
  rankedGroup: true,
  squaredError: true,
  kl: true,
  linear: true,
  dpo: true,
  logRatioDifference: true,
};

test("every loss has golden numbers", () => {
  expect([...new Set(golden.map(({ loss }) => loss.kind))].sort()).toEqual(Object.keys(KINDS).sort());
});

test.each(golden.map((one) => [one.name, one] as const))("%s", (_, { loss, spanLengths, x, value, gradients }) => {
  const found = evaluateLoss(loss, x, spanLengths);
  expectNear([found.loss], [value]);
  expectNear(found.gradients, gradients);
});
