import type { Experience } from "../../domain/experience.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { UpdateContext } from "./algorithm.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * Cross-entropy on the prefixes of a minibatch, coefficient * - mean over their tokens of ln pi, at the temperature of the rollouts (Prefix-RFT, arXiv
 * 2507.01679), added to the policy's gradients. A prefix with several continuations counts once.
 * @returns null where the recipe asks for none, or there is no prefix
 */
export async function prefixGradients(
  { lossOnPrefix }: Pick<PolicySettings, "lossOnPrefix">,
  { trainer, models: { policy }, temperature }: UpdateContext,
  experience: readonly Pick<Experience, "rollout">[],
  options?: CallOptions,
): Promise<{ readonly requestId: string; readonly loss: number } | null> {
  if (lossOnPrefix.kind !== "crossEntropy") return null;
  const rows = experience
    .filter(({ rollout: { continuation, reset } }) => continuation === 0 && reset.prefix.length > 0)
    .map(({ rollout: { reset } }) => ({
      tokens: [...reset.prompt, ...reset.prefix],
      spanStart: reset.prompt.length,
      spanLength: reset.prefix.length,
    }));
  if (rows.length === 0) return null;
  const tokens = rows.reduce((sum, { spanLength }) => sum + spanLength, 0);
  const weights = new Array<number>(tokens).fill(lossOnPrefix.coefficient / tokens);
  const loss = { kind: "crossEntropy", weights } as const;
  const { requestId, losses } = await trainer.forwardBackward(
    { rows },
    [{ model: policy, temperature, loss }],
    options,
  );
  return { requestId, loss: losses[0]!.loss / lossOnPrefix.coefficient };
}
