import { z } from "zod";
import type { OnlineOptions } from "../config/policy.js";
import type { Algorithm } from "../drpo/algorithms/algorithm.js";
import type { AlgorithmDefinition, AlgorithmOptionsSchema } from "../drpo/algorithms/define-algorithm.js";
import { grpo } from "../drpo/algorithms/grpo.js";
import { npg } from "../drpo/algorithms/npg.js";
import { policyGradient } from "../drpo/algorithms/policy-gradient.js";
import { ppo } from "../drpo/algorithms/ppo.js";
import { rebel } from "../drpo/algorithms/rebel.js";
import { rloo } from "../drpo/algorithms/rloo.js";

/** Every on-policy algorithm that there is: a new one is its file and its name here. */
export const ALGORITHMS = [ppo, policyGradient, rloo, grpo, rebel, npg] as const;

type Definitions = readonly [AnyDefinition, ...AnyDefinition[]];
type AnyDefinition = Omit<AlgorithmDefinition, "create"> & { create(options: never, settings: never): Algorithm };
type SchemasOf<D extends Definitions> = { -readonly [I in keyof D]: D[I]["options"] };

/** Some algorithms as a recipe knows them. */
export function algorithmRegistry<const D extends Definitions>(definitions: D) {
  const schemas = definitions.map(({ options }) => options) as unknown as SchemasOf<D> &
    [AlgorithmOptionsSchema, ...AlgorithmOptionsSchema[]];
  const find = (kind: string): AlgorithmDefinition =>
    definitions.find(({ options }) => options.shape.kind.value === kind) as unknown as AlgorithmDefinition;
  return {
    /** `policy.algorithm` of a recipe. */
    schema: z.discriminatedUnion("kind", schemas).describe("How the policy is updated."),

    /** The update that a recipe asks for. */
    create(policy: OnlineOptions): Algorithm {
      const { algorithm, reset, klPlacement, klEstimator, targetKl, maxImportanceWeight, lossMean, optimizer } = policy;
      return find(algorithm.kind).create(algorithm, {
        ...{ klPlacement, klEstimator, targetKl, maxImportanceWeight, lossMean, optimizer },
        lossOnPrefix: reset.lossOnPrefix,
      });
    },

    /** What the algorithm and the rest of `policy` contradict each other in: the place below `policy`, and what is wrong. */
    conflicts({ algorithm, reset }: OnlineOptions): readonly { readonly path: string[]; readonly message: string }[] {
      const { continuations, isTokenwise } = find(algorithm.kind);
      const { atLeast, multipleOf } = continuations;
      const problems: { path: string[]; message: string }[] = [];
      if (reset.continuations < atLeast || reset.continuations % multipleOf !== 0) {
        const wanted = multipleOf === 1 ? `at least ${atLeast}` : `a multiple of ${multipleOf}`;
        const message = `policy.algorithm.kind "${algorithm.kind}" compares rollouts of one prefix and needs ${wanted}`;
        problems.push({ path: ["reset", "continuations"], message });
      }
      if (!isTokenwise && reset.lossOnPrefix.kind === "policyGradient") {
        const message = `policy.algorithm.kind "${algorithm.kind}" has no loss of single tokens; use "crossEntropy"`;
        problems.push({ path: ["reset", "lossOnPrefix", "kind"], message });
      }
      return problems;
    },
  };
}
