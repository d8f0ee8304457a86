import { z } from "zod";
import { optimizerSchema } from "./optimizer.js";
import { stageSeed } from "./stage-seed.js";

const template = z
  .string()
  .default("{prompt}{response}")
  .refine((text) => text.split("{response}").length === 2, "must contain {response} exactly once")
  .describe("What the reward model reads; the score is the scalar at the last token. {prompt} may be left out.");

/** Of every reward but a sum: whether its scores are in units of the SFT policy's samples. */
export const scoreUnits = ({ normalise }: { readonly normalise: boolean }) => ({
  normalise: z
    .boolean()
    .default(normalise)
    .describe("Scores less their mean over samples of the SFT policy, over their standard deviation there."),
  scaleRollouts: z
    .number()
    .int()
    .min(2)
    .default(128)
    .describe("Samples of the SFT policy that mean and standard deviation are taken over."),
});

const trained = z
  .strictObject({
    kind: z.literal("train"),
    startFrom: z
      .enum(["base", "sft"])
      .default("base")
      .describe("Whose weights it starts from; the scalar head starts at zero."),
    template,
    ...scoreUnits({ normalise: true }),
    maxResponses: z.number().int().positive().optional().describe("Train on at most this many, chosen by the seed."),
    groupSize: z.number().int().min(2).default(16).meta({
      description:
        'Responses ranked against each other: up to n(n-1)/2 comparisons. Left out: 2 where data.kind is "pairs", else 16.',
      default: undefined,
    }),
    groupsPerBatch: z
      .number()
      .int()
      .positive()
      .default(1)
      .meta({
        description:
          'Groups a gradient; a pair is a group. Left out: 32 where data.kind is "pairs", else 1, as a long ranked list ' +
          "has many comparisons.",
        default: undefined,
      }),
    cutShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe("Share of groups whose responses are cut to the response budget, as sampled ones are."),
    epochs: z.number().int().positive().default(1),
    optimizer: optimizerSchema,
    seed: stageSeed,
  })
  .describe("Bradley-Terry over all pairs of ranked groups.");

const adapter = z
  .strictObject({
    kind: z.literal("adapter"),
    path: z.string().min(1).describe("PEFT adapter folder with a scalar head, relative to the recipe."),
    template,
    ...scoreUnits({ normalise: true }),
  })
  .describe("A reward adapter of yours on the base.");

const folder = z
  .strictObject({
    kind: z.literal("folder"),
    path: z.string().min(1).describe("Hugging Face sequence classifier with one label, of the base's tokenizer."),
    template,
    ...scoreUnits({ normalise: true }),
  })
  .describe("A reward model of yours.");

export type TrainedRewardOptions = z.infer<typeof trained>;
type Scored = "normalise" | "scaleRollouts";
/** What makes a reward model, whatever the units of its scores. */
export type RewardModelRecipe =
  Omit<TrainedRewardOptions, Scored> | Omit<z.infer<typeof adapter>, Scored> | Omit<z.infer<typeof folder>, Scored>;

const unitless = { normalise: true, scaleRollouts: true } as const;
/** A reward model that only compares: its scores need no units. */
export const rewardModelRecipe = z.discriminatedUnion("kind", [
  trained.omit(unitless),
  adapter.omit(unitless),
  folder.omit(unitless),
]);

/** A reward model r: the server computes its scores. */
export type RewardModelOptions = TrainedRewardOptions | z.infer<typeof adapter> | z.infer<typeof folder>;

/** What a recipe knows of a reward whose options an adapter brings. */
export interface RegisteredReward {
  readonly kind: string;
  readonly normalise: boolean;
  readonly scaleRollouts: number;
  /** File of a user's function, if it has one. */
  readonly module?: string;
}

/** A reward that is no sum. @typeParam Registered options of the registered ones */
export type SingleReward<Registered extends RegisteredReward = RegisteredReward> = RewardModelOptions | Registered;

/** The section `reward` of a recipe. @typeParam Registered options of the registered ones */
export type RewardOptions<Registered extends RegisteredReward = RegisteredReward> =
  | SingleReward<Registered>
  | {
      readonly kind: "sum";
      readonly terms: readonly { readonly weight: number; readonly reward: SingleReward<Registered> }[];
    };

const MODEL_KINDS: readonly string[] = ["train", "adapter", "folder"] satisfies RewardModelOptions["kind"][];

/** True for a reward whose scores a model on the server computes. */
export const isRewardModel = (reward: { readonly kind: string }): reward is RewardModelOptions =>
  MODEL_KINDS.includes(reward.kind);

/** Schema of a registered reward: a strict object with a literal `kind`. */
export type RewardKind = z.ZodType<RegisteredReward> & z.core.$ZodTypeDiscriminable;

/**
 * Where scores r(x, y) come from.
 * @param registered options of the rewards that are no reward models
 */
export const rewardSchema = <const Registered extends readonly RewardKind[]>(registered: Registered) => {
  const term = z.strictObject({
    weight: z.number().min(-1e6).max(1e6).describe("What the term's score is multiplied by; negative: a penalty."),
    reward: z.discriminatedUnion("kind", [trained, adapter, folder, ...registered]),
  });
  const sum = z
    .strictObject({ kind: z.literal("sum"), terms: z.array(term).min(1) })
    .describe("A weighted sum of scores, at most one of them a reward model's.");
  return z.discriminatedUnion("kind", [trained, adapter, folder, ...registered, sum]);
};
