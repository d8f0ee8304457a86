import type { Observation } from "../../domain/experience.js";
import { tokensUntilEnd, type Rollout, type ScoredRollout } from "../../domain/rollout.js";
import { truncatedImportanceWeights } from "../../math/importance-weights.js";
import type { CallOptions } from "../../ports/call-options.js";
import { shapeRewards } from "../shape-rewards.js";
import { splitBySpan, trainingRow } from "../training-rows.js";
import type { UpdateContext } from "./algorithm.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * What pi_t, pi_SFT and the critic make of rollouts, at the weights that wrote them, and the KL-shaped reward of each token.
 * @param keepAs name under which the server keeps the rows, for the losses that follow
 * @param prefixInSignal rewards and values of prefix tokens are wanted too
 */
export async function observeRollouts(
  settings: PolicySettings,
  { trainer, models: { policy, reference, critic }, temperature, klCoef, endTokenIds, referenceAhead }: UpdateContext,
  rollouts: readonly ScoredRollout[],
  { keepAs, withCritic, prefixInSignal }: { keepAs: string; withCritic: boolean; prefixInSignal: boolean },
  options?: CallOptions,
): Promise<readonly Observation[]> {
  const prefixCoef = settings.lossOnPrefix.kind === "policyGradient" ? settings.lossOnPrefix.coefficient : 0;
  const credited = ({ reset }: Rollout) => (prefixInSignal || prefixCoef > 0 ? reset.prefix.length : 0);
  const rows = rollouts.map((rollout) => trainingRow(rollout, credited(rollout)));
  const known = (await referenceAhead?.logprobs(rollouts, credited)) ?? null;
  const arrays = await trainer.forward(
    { rows, keepAs },
    [
      { model: policy, output: "logprobs", temperature },
      ...(known ? [] : [{ model: reference, output: "logprobs" as const, temperature }]),
      ...(withCritic ? [{ model: critic!, output: "values" as const }] : []),
    ],
    options,
  );
  const [logprobs, ...others] = arrays.map((array) => splitBySpan(array, rows));
  const referenceLogprobs = known ?? others.shift();
  const values = others[0];
  return rollouts.map((rollout, i) => {
    const creditedPrefix = credited(rollout);
    const observed = { logprobs: logprobs![i]!, referenceLogprobs: referenceLogprobs![i]! };
    const endsAt = creditedPrefix + tokensUntilEnd(rollout.generated, endTokenIds) - 1;
    return {
      ...{ rollout, creditedPrefix, oldLogprobs: observed.logprobs, referenceLogprobs: observed.referenceLogprobs },
      values: values?.[i] ?? [],
      rewards: shapeRewards(
        { score: rollout.score, endsAt, ...observed },
        settings.klPlacement === "reward" ? klCoef : 0,
      ),
      policyWeights: [
        ...new Array<number>(creditedPrefix).fill(prefixCoef),
        ...samplerCorrection(rollout, observed.logprobs.slice(creditedPrefix), settings.maxImportanceWeight),
      ],
    };
  });
}

/** min(pi_trainer / pi_sampler, most) of each generated token; 1 where that is not asked for, or the reference drew it. */
function samplerCorrection(rollout: ScoredRollout, logprobs: readonly number[], most: number | null): number[] {
  if (most === null) return logprobs.map(() => 1);
  const weights = truncatedImportanceWeights(logprobs, rollout.samplerLogprobs, most);
  if (rollout.firstActionByReference) weights[0] = 1;
  return weights;
}
