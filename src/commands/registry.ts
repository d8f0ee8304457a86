import { z } from "zod";
import { recipeSchema } from "../config/recipe.js";
import type { Algorithm } from "../drpo/algorithms/algorithm.js";
import { createPpo, ppoOptionsSchema } from "../drpo/algorithms/ppo.js";
import { createLexiconJudge, lexiconJudgeOptions } from "../judge/lexicon-judge.js";
import type { Judge } from "../ports/judge.js";

/** The schema of a recipe with every algorithm and judge that there is: a new one is registered here, and below. */
export const registeredRecipeSchema = recipeSchema({
  algorithm: z.discriminatedUnion("kind", [ppoOptionsSchema]).describe("How the policy is updated."),
  judge: z.discriminatedUnion("kind", [lexiconJudgeOptions]).describe("Who says which of two responses is better."),
});

/** A recipe whose algorithm and judge are known ones. */
export type RegisteredRecipe = z.output<typeof registeredRecipeSchema>;

export function createAlgorithm({ algorithm, klCoef, optimizer }: RegisteredRecipe["policy"]): Algorithm {
  switch (algorithm.kind) {
    case "ppo":
      return createPpo({ ...algorithm, klCoef, optimizer });
  }
}

export function createJudge(judge: RegisteredRecipe["evaluation"]["judge"]): Judge {
  switch (judge.kind) {
    case "lexicon":
      return createLexiconJudge();
  }
}
