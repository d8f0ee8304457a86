import type { Recipe } from "../config/recipe.js";
import { rewardModelTerm } from "../config/reward-terms.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import type { MemoryRequest, PlannedModel } from "../ports/memory-plan.js";
import type { OpenRun } from "./run-context.js";

type PlannedRun = Pick<OpenRun, "recipe" | "data" | "evaluationGroups" | "judges" | "tokenizerInfo"> & {
  readonly algorithm: Pick<NonNullable<OpenRun["algorithm"]>, "needsCritic"> | null;
};

/** The models and batches of a recipe, at the stage that takes most: the policy's. */
export function plannedMemory(run: PlannedRun): MemoryRequest {
  const { recipe, data, evaluationGroups, tokenizerInfo } = run;
  const { policy, evaluation, reward, response, server } = recipe;
  const groups = [...data.train, ...data.heldOut, ...evaluationGroups];
  const longestPrompt = longest(groups.map(({ prompt }) => prompt));
  const sampledRow = longestPrompt + response.maxTokens;
  const trainedRow = trainsOnWholeResponses(recipe) ? Math.max(sampledRow, longestRow(data.train)) : sampledRow;
  const rollouts = policy.kind === "online" ? policy.rolloutsPerIteration : 0;
  const scaled = "scaleRollouts" in reward ? reward.scaleRollouts : 0;
  return {
    models: [...ofPolicy(run), ...ofReward(run)],
    trainingRowTokens: Math.min(trainedRow, tokenizerInfo.contextTokens),
    keptRows: rollouts,
    samplingRows:
      server.samplers.length > 0 ? 0 : Math.max(rollouts, policy.validation.rollouts, evaluation.rollouts, scaled),
    samplingRowTokens: Math.min(sampledRow, tokenizerInfo.contextTokens),
  };
}

function ofPolicy({ recipe, algorithm }: PlannedRun): readonly PlannedModel[] {
  const own = recipe.model;
  return [
    { ...own, name: "reference", head: "language-model", trainable: false },
    { ...own, name: "policy", head: "language-model", trainable: true },
    ...(algorithm?.needsCritic ? [{ ...own, name: "critic", head: "scalar", trainable: true } as const] : []),
  ];
}

/** The reward model, and those that judge. */
function ofReward({ recipe, judges }: PlannedRun): readonly PlannedModel[] {
  const term = rewardModelTerm(recipe.reward)?.reward;
  const asked = [
    ...(term ? [{ name: "reward-model", reward: term }] : []),
    ...judges.flatMap((judge) => ("reward" in judge ? [{ name: `judge-${judge.name}`, reward: judge.reward }] : [])),
  ];
  return asked.map(({ name, reward }) => {
    const source = reward.kind === "folder" ? { base: reward.path, shape: { kind: "full" } as const } : recipe.model;
    return { ...source, name, head: "scalar", trainable: false };
  });
}

/** False where nothing is trained on more of a response than the policy may write. */
function trainsOnWholeResponses({ sft, reward, policy }: Recipe): boolean {
  const ranked = rewardModelTerm(reward)?.reward;
  return (
    (sft.kind === "train" && !sft.onlyWithinBudget) ||
    (ranked?.kind === "train" && ranked.cutShare < 1) ||
    (policy.kind === "dpo" && !policy.onlyWithinBudget)
  );
}

const longestRow = (groups: readonly TokenizedGroup[]): number =>
  groups.reduce((most, { prompt, responses, reference }) => {
    const answers = [...responses, ...(reference ? [reference] : [])].map(({ response }) => response);
    return Math.max(most, prompt.length + longest(answers));
  }, 0);

const longest = (rows: readonly (readonly number[])[]): number =>
  rows.reduce((most, { length }) => Math.max(most, length), 0);
