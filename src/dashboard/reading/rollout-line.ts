import { z } from "zod";
import { klK1 } from "../../math/kl.js";

const ids = z.array(z.number().int().min(0));
const nameSchema = z.object({ iteration: z.number().int(), row: z.number().int(), continuation: z.number().int() });

/** A line of rollouts/ITERATION.jsonl, as far as it is shown; runs of earlier versions lack what is optional. */
export const rolloutLineSchema = z.object({
  ...{ row: z.number().int(), continuation: z.number().int(), score: z.number(), text: z.string() },
  ...{ finishReason: z.string(), sourceId: z.string().nullable(), maxNewTokens: z.number().int() },
  ...{ prompt: ids, prefix: ids, generated: ids },
  samplerLogprobs: z.array(z.number()),
  tokenTexts: z.array(z.string()).optional(),
  referenceLogprobs: z.array(z.number()).optional(),
  fraction: z.number().optional(),
  parent: nameSchema.optional(),
});

export type RolloutLine = z.infer<typeof rolloutLineSchema>;

/** Sum of ln pi - ln pi_SFT over the generated tokens; null where the reference's are not kept. */
export function klOf({ samplerLogprobs, referenceLogprobs }: RolloutLine): number | null {
  if (referenceLogprobs?.length !== samplerLogprobs.length) return null;
  return klK1(samplerLogprobs.map((logprob, i) => logprob - referenceLogprobs[i]!));
}
