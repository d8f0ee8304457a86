import type { z } from "zod";
import type { OnlineOptions } from "../../config/policy.js";
import type { Algorithm } from "./algorithm.js";
import type { PolicySettings } from "./policy-settings.js";

/** Options of an algorithm: a strict object with a literal `kind`. */
export type AlgorithmOptionsSchema = z.ZodObject<{ kind: z.ZodLiteral<string> } & z.core.$ZodLooseShape>;

/** The place below `policy`, and what is wrong with what stands there. */
export interface PolicyConflict {
  readonly path: readonly string[];
  readonly message: string;
}

/** An algorithm as it is registered: its options in a recipe, and how to make it. */
export interface AlgorithmDefinition<Schema extends AlgorithmOptionsSchema = AlgorithmOptionsSchema> {
  readonly options: Schema;
  /** Rollouts of one prefix that it compares. Left out: it looks at each by itself. */
  readonly continuations: { readonly atLeast: number; readonly multipleOf: number };
  /** False if its loss is not about single tokens: it takes in no prefix, weighs no token and is no mean over tokens. */
  readonly isTokenwise: boolean;
  /** What its options and the rest of `policy` contradict each other in. */
  conflicts?(options: z.output<Schema>, policy: OnlineOptions): readonly PolicyConflict[];
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
