import { rewardModelTerm } from "../config/reward-terms.js";
import type { RewardModelRecipe } from "../config/reward.js";
import { BadInputError } from "../errors.js";
import type { OpenRun } from "./run-context.js";

/** A model or adapter of the user's that is given token ids of the base. */
export interface ForeignModel {
  /** Its place in the recipe, or the judge that it is. */
  readonly where: string;
  /** On the server. */
  readonly folder: string;
}

/**
 * Refuses a model whose tokens are not the base's: it is given token ids, and would read another text.
 * @throws BadInputError
 */
export async function refuseOtherTokenizer(run: OpenRun, { where, folder }: ForeignModel): Promise<void> {
  const difference = await run.server.tokenizer.differenceOf(folder, run.call);
  if (difference === "") return;
  throw new BadInputError(
    `${where}: ${folder} cannot be given token ids of the base ${run.recipe.model.base}: ${difference}.`,
  );
}

/** The same for each model and adapter that the recipe names, before anything is trained. */
export async function refuseOtherTokenizers(run: OpenRun): Promise<void> {
  const { sft, reward, policy } = run.recipe;
  const term = rewardModelTerm(reward);
  const models: (ForeignModel | null)[] = [
    sft.kind === "adapter" ? { where: "sft.path", folder: sft.path } : null,
    term && foreignReward(term.key, term.reward),
    ...run.judges.map((judge) => ("compare" in judge ? null : foreignReward(`The judge ${judge.name}`, judge.reward))),
  ];
  if (policy.kind === "online" && policy.reset.source.kind === "livePolicy") {
    const { writer } = policy.reset.source;
    if ("path" in writer) models.push({ where: "policy.reset.source.writer.path", folder: writer.path });
  }
  for (const model of models) if (model) await refuseOtherTokenizer(run, model);
}

/** Null for a reward model that the run trains itself. */
const foreignReward = (where: string, reward: RewardModelRecipe): ForeignModel | null =>
  reward.kind !== "train" ? { where, folder: reward.path } : null;
