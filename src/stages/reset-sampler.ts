import type { OnlineOptions } from "../config/policy.js";
import { adaptiveFraction } from "../drpo/resets/adaptive-fraction.js";
import { functionCut } from "../drpo/resets/function-cut.js";
import { ownRolloutsFallShort } from "../drpo/resets/own-rollouts-fall-short.js";
import type { PrefixSelector } from "../drpo/resets/prefix-selector.js";
import { createResetSampler, type ResetSampler } from "../drpo/resets/reset-sampler.js";
import { scheduledFraction } from "../drpo/resets/scheduled-fraction.js";
import { stepBoundaries } from "../drpo/resets/step-boundaries.js";
import { uniformCut } from "../drpo/resets/uniform-cut.js";
import { wholePrefix } from "../drpo/resets/whole-prefix.js";
import type { Scorer } from "../drpo/score-rollouts.js";
import type { SamplingParams } from "../ports/sampler.js";
import { openResetSource } from "./reset-source.js";
import type { OpenRun } from "./run-context.js";

/** The reset sampler that a recipe's ResetSpec describes. */
export async function openResetSampler(
  run: OpenRun,
  policy: OnlineOptions,
  { scorer, params, seed }: { readonly scorer: Scorer; readonly params: SamplingParams; readonly seed: number },
): Promise<ResetSampler> {
  const { reset: spec, iterations, rolloutsPerIteration } = policy;
  const { endTokenIds } = run.tokenizerInfo;
  const budget = run.recipe.response.maxTokens;
  const condition =
    spec.condition &&
    ownRolloutsFallShort({ ...spec.condition, sampler: run.server.sampler, scorer, params, budget, seed });
  return createResetSampler({
    ...{ spec, condition, budget, contextTokens: run.longestRow, endTokenIds, iterations, rolloutsPerIteration, seed },
    source: await openResetSource(run, policy, seed),
    selector: selectorOf(run, policy),
  });
}

function selectorOf({ server, cutFunction }: OpenRun, { reset: { selector } }: OnlineOptions): PrefixSelector {
  switch (selector.kind) {
    case "uniform":
      return uniformCut(selector.law);
    case "scheduledFraction":
      return scheduledFraction(selector);
    case "adaptiveFraction":
      return adaptiveFraction(selector);
    case "steps":
      return stepBoundaries(server.tokenizer, selector.delimiter);
    case "function":
      return functionCut(cutFunction!, `The function ${selector.export} of ${selector.module}`);
    case "whole":
      return wholePrefix;
  }
}
