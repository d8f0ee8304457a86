import vader from "vader-sentiment";
import { z } from "zod";
import type { Judge, Verdict } from "../ports/judge.js";

/** Options of the judge that a recipe calls `{ "kind": "lexicon" }`. */
export const lexiconJudgeOptions = z
  .strictObject({ kind: z.literal("lexicon") })
  .describe("The response with the more positive words is better: VADER's lexicon and rules (Hutto and Gilbert 2014).");

/**
 * A judge that shares nothing with a trained reward model: a lexicon and rules, nothing learned. The npm port has an older
 * lexicon than the Python package 3.3.2: the two agree on 92 % of the movie sentences, and this one orders 65 % of their
 * pairs as people did.
 */
export function createLexiconJudge(): Judge {
  return {
    name: "lexicon (VADER compound score)",
    compare: (comparisons) =>
      Promise.resolve(
        comparisons.map(({ first, second }) => ({
          verdict: verdict(lexiconScore(first), lexiconScore(second)),
          answers: [],
        })),
      ),
  };
}

/** Sentiment of a text in [-1, 1], VADER's compound score; 0 if none of its words is in the lexicon. */
export const lexiconScore = (text: string): number => vader.SentimentIntensityAnalyzer.polarity_scores(text).compound;

function verdict(first: number, second: number): Verdict {
  if (first === second) return "tie";
  return first > second ? "first" : "second";
}
