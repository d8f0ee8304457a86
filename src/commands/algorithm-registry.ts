import { z } from "zod";
import type { OnlineOptions } from "../config/policy.js";
import type { Algorithm } from "../drpo/algorithms/algorithm.js";
import type {
  AlgorithmDefinition,
  AlgorithmOptionsSchema,
  PolicyConflict,
} from "../drpo/algorithms/define-algorithm.js";
import { grpo } from "../drpo/algorithms/grpo.js";
import { npg } from "../drpo/algorithms/npg.js";
import { policyGradient } from "../drpo/algorithms/policy-gradient.js";
import { ppo } from "../drpo/algorithms/ppo.js";
import { rebel } from "../drpo/algorithms/rebel.js";
import { rloo } from "../drpo/algorithms/rloo.js";

/** Every on-policy algorithm that there is: a new one is its file and its name here. */
export const ALGORITHMS = [ppo, policyGradient, rloo, grpo, rebel, npg] as const;

type Definitions = readonly [AnyDefinition, ...AnyDefinition[]];
type AnyDefinition = Omit<AlgorithmDefinition, "create" | "conflicts"> & {
  create(options: never, settings: never): Algorithm;
  conflicts?(options: never, policy: never): readonly PolicyConflict[];
};
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
    conflicts(policy: OnlineOptions): readonly PolicyConflict[] {
      const { algorithm, reset } = policy;
      const definition = find(algorithm.kind);
      const { continuations, isTokenwise } = definition;
      const { atLeast, multipleOf } = continuations;
      const problems: PolicyConflict[] = [...(definition.conflicts?.(algorithm, policy) ?? [])];
      if (reset.continuations < atLeast || reset.continuations % multipleOf !== 0) {
        const wanted = multipleOf === 1 ? `at least ${atLeast}` : `a multiple of ${multipleOf}`;
        const message = `policy.algorithm.kind "${algorithm.kind}" compares rollouts of one prefix and needs ${wanted}`;
        problems.push({ path: ["reset", "continuations"], message });
      }
      if (!isTokenwise) {
        const message = `policy.algorithm.kind "${algorithm.kind}" has no loss of single tokens`;
        const refuse = (path: readonly string[], mend: string) =>
          problems.push({ path, message: `${message}; ${mend}` });
        if (reset.lossOnPrefix.kind === "policyGradient")
          refuse(["reset", "lossOnPrefix", "kind"], 'use "crossEntropy"');
        if (policy.maxImportanceWeight !== null) refuse(["maxImportanceWeight"], "leave it out");
        if (policy.lossMean !== "tokens") refuse(["lossMean"], "leave it out");
      }
      return problems;
    },
  };
}
