import type { z } from "zod";
import type { Algorithm } from "./algorithm.js";
import type { PolicySettings } from "./policy-settings.js";

/** Options of an algorithm: a strict object with a literal `kind`. */
export type AlgorithmOptionsSchema = z.ZodObject<{ kind: z.ZodLiteral<string> } & z.core.$ZodLooseShape>;

/** An algorithm as it is registered: its options in a recipe, and how to make it. */
export interface AlgorithmDefinition<Schema extends AlgorithmOptionsSchema = AlgorithmOptionsSchema> {
  readonly options: Schema;
  /** Rollouts of one prefix that it compares. Left out: it looks at each by itself. */
  readonly continuations: { readonly atLeast: number; readonly multipleOf: number };
  /** False if its loss is not about single tokens, so that it cannot take a prefix in (lossOnPrefix "policyGradient"). */
  readonly isTokenwise: boolean;
  create(options: z.output<Schema>, settings: PolicySettings): Algorithm;
}

/** Types the options that `create` is given by their schema. */
export const defineAlgorithm = <Schema extends AlgorithmOptionsSchema>({
  continuations = { atLeast: 1, multipleOf: 1 },
  isTokenwise = true,
  ...definition
}: Pick<AlgorithmDefinition<Schema>, "options" | "create"> &
  Partial<AlgorithmDefinition<Schema>>): AlgorithmDefinition<Schema> => ({
  ...definition,
  continuations,
  isTokenwise,
});
