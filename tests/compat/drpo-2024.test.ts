import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ValuedExperience } from "../../src/domain/experience.js";
import type { Loss } from "../../src/ports/trainer.js";
import { readSafetensors } from "./read-safetensors.js";
import { checkpointAfter, checkpointBefore, type RecordedUpdate } from "./record-algorithm.js";
import { type Restatement, restateIteration } from "./restate-released-code.js";
import { PYTHON, type ReleasedRun, runReleasedRecipe } from "./run-released-recipe.js";

/** The second one: its policy is no longer SFT, its optimisers have moments. */
const ITERATION = 1;
const TRAINED = ["policy", "critic"] as const;

type LossOf<Kind extends Loss["kind"]> = Extract<Loss, { kind: Kind }>;

const largest = (xs: ArrayLike<number>) => Array.from(xs).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Numbers agree within `tolerance` of the largest of them: float32 on the wire is all that is between them. */
function expectEqual(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(actual).toHaveLength(expected.length);
  const differences = Array.from(actual, (x, i) => x - expected[i]!);
  expect(largest(expected)).toBeGreaterThan(0);
  expect(largest(differences) / largest(expected)).toBeLessThan(tolerance);
}

/** One iteration of a recipe with compat "drpo-2024", on the real server in float64, against its re-statement. */
(existsSync(PYTHON) ? describe : describe.skip)("compat drpo-2024: an iteration is that of the released code", () => {
  let run: ReleasedRun;
  let update: RecordedUpdate;
  let experience: readonly ValuedExperience[];
  let restated: Restatement;

  /** What one epoch sent of a kind of loss, and what came back. */
  const ofEpoch = <Kind extends Loss["kind"]>(epoch: number, kind: Kind) => {
    const { sent, results } = update.gradients[epoch]!;
    const index = sent.findIndex(({ loss }) => loss.kind === kind);
    return { loss: sent[index]!.loss as LossOf<Kind>, result: results[index]! };
  };
  const credited = (pick: (one: ValuedExperience) => readonly number[]) => experience.flatMap(pick);

  beforeAll(async () => {
    run = await runReleasedRecipe();
    update = run.updates[ITERATION]!;
    experience = (update.signal as { readonly experience: readonly ValuedExperience[] }[]).flatMap(
      (minibatch) => minibatch.experience,
    );
    restated = restateIteration(run, ITERATION);
  }, 300_000);
  afterAll(() => run?.remove());

  test("the rollouts are of every kind that the table tells apart", () => {
    const { budget, endTokenIds } = update.context;
    const [eosTokenId] = endTokenIds as [number];
    const count = (is: (response: readonly number[], prefix: readonly number[]) => boolean) =>
      update.rollouts.filter(({ reset, generated }) => is([...reset.prefix, ...generated], reset.prefix)).length;
    const end = (response: readonly number[]) => response.indexOf(eosTokenId);
    expect(count(({ length }) => length === budget)).toBe(256);
    expect(count((_, { length }) => length === 0)).toBeGreaterThan(20);
    expect(count((_, { length }) => length === budget - 1)).toBeGreaterThan(2);
    expect(count((response) => end(response) === -1)).toBeGreaterThan(10);
    expect(count((response) => end(response) === budget - 1)).toBeGreaterThan(5);
    expect(count((response) => end(response) >= 0 && end(response) < budget - 1)).toBeGreaterThan(50);
    expect(count((response) => response.filter((token) => token === eosTokenId).length > 1)).toBeGreaterThan(50);
  });

  test("prefixes", () => {
    expect(update.rollouts.map(({ reset }) => reset.prefix)).toEqual(restated.signal.prefixes);
  });

  test("masks: prefix tokens weigh nothing in the policy's loss, and are in everything else", () => {
    expect(experience.map(({ policyWeights }) => policyWeights.map((weight) => weight === 0))).toEqual(
      restated.signal.forced,
    );
    for (const epoch of [0, 1]) {
      const forced = restated.signal.forced.flat();
      expect(ofEpoch(epoch, "clippedSurrogate").loss.weights.map((weight) => weight === 0)).toEqual(forced);
      expect(ofEpoch(epoch, "clippedValue").loss.weights.every((weight) => weight > 0)).toBe(true);
    }
  });

  test("log-probs of policy and reference at the sampling temperature, and values", () => {
    const { logprobs, referenceLogprobs, values } = restated.signal;
    expectEqual(
      credited((one) => one.oldLogprobs),
      logprobs.flat(),
    );
    expectEqual(
      credited((one) => one.referenceLogprobs),
      referenceLogprobs.flat(),
    );
    expectEqual(
      credited((one) => one.values),
      values.flat(),
    );
  });

  test("the tokens were drawn from that distribution", () => {
    const { logprobs, prefixes } = restated.signal;
    expectEqual(
      update.rollouts.flatMap(({ samplerLogprobs }) => samplerLogprobs),
      logprobs.flatMap((row, i) => row.slice(prefixes[i]!.length)),
    );
  });

  test("scores: of the reward model at the first end of sequence, or -1", () => {
    const scores = update.rollouts.map(({ score }) => score);
    expectEqual(scores, restated.signal.scores);
    expect(scores.filter((score) => score === -1).length).toBeGreaterThan(10);
  });

  test("whitened rewards, advantages and returns", () => {
    const { rewards, advantages, returns } = restated.signal;
    expectEqual(
      credited((one) => one.rewards),
      rewards.flat(),
    );
    expectEqual(
      credited((one) => one.advantages),
      advantages.flat(),
    );
    expectEqual(
      credited((one) => one.returns),
      returns.flat(),
    );
  });

  test.each([0, 1])("losses of epoch %i, at the weights after the epochs before it", (epoch) => {
    const { policy, value } = restated.losses[epoch]!;
    expectEqual([ofEpoch(epoch, "clippedSurrogate").result.loss], [policy]);
    // valueCoef is in the weights.
    expectEqual([ofEpoch(epoch, "clippedValue").result.loss], [0.1 * value]);
  });

  test("ratios and values are clipped in the second epoch, and not in the first", () => {
    const [first, second] = restated.losses;
    expect([first!.clipped, first!.valueClipped]).toEqual([0, 0]);
    expect(second!.clipped).toBeGreaterThan(0.02);
    expect(second!.valueClipped).toBeGreaterThan(0.02);
  });

  describe.each(TRAINED)("of every weight of the %s", (model) => {
    const moments = (uri: string) => readSafetensors(run.file(uri, `${model}.optimizer.safetensors`));
    const own = (tensors: ReadonlyMap<string, Float64Array>) =>
      [...tensors].flatMap(([name, values]) =>
        name.startsWith(`${model}.`) ? [[name.slice(model.length + 1), values] as const] : [],
      );

    test.each([0, 1])("the gradient of epoch %i", (epoch) => {
      const at = (step: number) =>
        moments(step < 0 ? checkpointBefore(ITERATION) : checkpointAfter(ITERATION, model, step));
      const [before, after] = [at(epoch - 1), at(epoch)];
      const expected = own(restated.gradients[epoch]!);
      expect(expected.length).toBeGreaterThan(10);
      for (const [name, gradient] of expected) {
        // The first moment is 0.9 of what it was and 0.1 of the gradient.
        const [old, now] = [before.get(`${name}.exp_avg`)!, after.get(`${name}.exp_avg`)!];
        expectEqual(
          now.map((moment, i) => (moment - 0.9 * old[i]!) / 0.1),
          gradient,
          5e-6,
        );
      }
    });

    test.each([0, 1])("its value after epoch %i", (epoch) => {
      const after = readSafetensors(run.file(checkpointAfter(ITERATION, model, epoch), `${model}.safetensors`));
      const expected = own(restated.weights[epoch]!);
      expect(expected).toHaveLength(after.size);
      for (const [name, weights] of expected) expectEqual(after.get(name)!, weights);
    });
  });
});
