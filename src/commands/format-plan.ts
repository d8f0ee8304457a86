import type { PreferenceGroup } from "../domain/preference-dataset.js";
import { promptKey } from "../domain/prompt-key.js";
import { shownPath } from "./shown-path.js";
import type { TrainingPlan } from "./plan-training.js";

const sizeOf = (groups: readonly PreferenceGroup[]) => ({
  prompts: promptsOf(groups).size,
  responses: groups.reduce((sum, { responses }) => sum + responses.length, 0),
  references: groups.filter(({ reference }) => reference !== null).length,
});

/** Distinct ones. */
const promptsOf = (groups: readonly PreferenceGroup[]): ReadonlySet<string> =>
  new Set(groups.map(({ prompt }) => promptKey(prompt)));

/** How many prompts of some groups are those of others too. */
function shared(some: readonly PreferenceGroup[], others: readonly PreferenceGroup[]): number {
  const known = promptsOf(others);
  return [...promptsOf(some)].filter((prompt) => known.has(prompt)).length;
}

/** What `--dry-run --json` prints. */
export function planAsJson({ recipe, dataset, evaluationDataset, directory }: TrainingPlan) {
  const { policy, evaluation } = recipe;
  return {
    runDirectory: directory,
    data: {
      ...{ train: sizeOf(dataset.train), heldOut: sizeOf(dataset.heldOut) },
      prompts: promptsOf([...dataset.train, ...dataset.heldOut]).size,
      promptsOnBothSides: shared(dataset.heldOut, dataset.train),
      ...{ skippedRows: dataset.skippedRows, hash: dataset.hash },
    },
    evaluationData: evaluationDataset && {
      ...sizeOf(evaluationDataset.heldOut),
      promptsAlsoInTraining: shared(evaluationDataset.heldOut, dataset.train),
      ...{ skippedRows: evaluationDataset.skippedRows, hash: evaluationDataset.hash },
    },
    policy:
      policy.kind === "online"
        ? {
            rollouts: policy.iterations * policy.rolloutsPerIteration,
            validations: Math.ceil(policy.iterations / policy.validation.every),
          }
        : { epochs: policy.epochs, batchSize: policy.batchSize },
    evaluation: { responses: 2 * evaluation.rollouts },
    recipe,
  };
}

/** What `--dry-run` prints for a person: the sizes, then the recipe with every default written out. */
export function formatPlan(plan: TrainingPlan, cwd: string): string {
  const { data, evaluationData, evaluation } = planAsJson(plan);
  const { recipe } = plan;
  const side = ({ prompts, responses, references }: ReturnType<typeof sizeOf>) =>
    `${responses} responses${references > 0 ? ` and ${references} references` : ""} to ${counted(prompts, "prompt")}`;
  const skipped = (count: number) => (count > 0 ? `; ${counted(count, "row")} skipped` : "");
  const origin = {
    train: "trained",
    base: "the base as it is",
    adapter: "your own adapter",
    folder: "your own model",
  };
  const rewardOf: Readonly<Record<string, string>> = {
    ...origin,
    function: "a function",
    http: "an HTTP verifier",
    sum: "a weighted sum",
  };
  return [
    `run directory  ${shownPath(plan.directory, cwd)}`,
    `data           ${side(data.train)}; held out: ${side(data.heldOut)}${inAll(plan, data)}${skipped(data.skippedRows)}`,
    `begin tokens   ${beginTokensLine(plan)}`,
    `server         ${recipe.server.kind === "local" ? "started with the run" : recipe.server.address}`,
    ...(recipe.server.samplers.length > 0 ? [`samplers       ${samplersLine(recipe.server)}`] : []),
    `sft            ${origin[recipe.sft.kind]}`,
    `reward         ${rewardOf[recipe.reward.kind] ?? recipe.reward.kind}`,
    `policy         ${policyLine(recipe.policy)}`,
    `evaluation     ${evaluation.responses} responses, half of them by SFT${evaluationData ? ", on another dataset" : ""}`,
    ...(evaluationData
      ? [
          `evaluated on   ${side(evaluationData)}; evaluation.data: ${evaluationData.promptsAlsoInTraining} of ` +
            `${counted(evaluationData.prompts, "prompt")} are also in the training data${skipped(evaluationData.skippedRows)}`,
        ]
      : []),
    `metrics        ${["metrics.jsonl", ...recipe.loggers.map(loggerName)].join(", ")}`,
    "",
    JSON.stringify(recipe, null, 2),
  ].join("\n");
}

const counted = (count: number, name: string): string => `${count} ${name}${count === 1 ? "" : "s"}`;

/** Rated responses answer one prompt, which is on both sides by its nature. */
function inAll(
  { recipe }: TrainingPlan,
  { prompts, promptsOnBothSides }: ReturnType<typeof planAsJson>["data"],
): string {
  if (recipe.data.kind === "rated" && prompts === 1) return "";
  const both =
    promptsOnBothSides === 0
      ? ""
      : `, ${promptsOnBothSides} of them on both sides` + (recipe.data.splitBy === "id" ? " (data.splitBy)" : "");
  return `; ${counted(prompts, "prompt")} in all${both}`;
}

/** Which they are, only the base's tokenizer knows: a run notes it when it reads its data. */
function beginTokensLine({ recipe, dataset }: TrainingPlan): string {
  const groups = [...dataset.train, ...dataset.heldOut];
  const ofText = {
    auto: "as the base's tokenizer puts them before a text",
    none: 'none before prompts of text (data.beginTokens "none")',
  }[recipe.data.beginTokens];
  const chats = groups.filter(({ prompt }) => typeof prompt !== "string").length;
  if (chats === groups.length) return "as the base's chat template writes them";
  return chats === 0 ? ofText : `${ofText}; before conversations as its chat template writes them`;
}

function samplersLine({ samplers, samplerRows, overlap }: TrainingPlan["recipe"]["server"]): string {
  const each = samplers.map((sampler) =>
    sampler.kind === "local" ? `${sampler.count} x ${sampler.engine} on ${sampler.device}` : sampler.address,
  );
  return `${each.join(", ")}; sub-batches of ${samplerRows} rollouts${overlap ? ", scored while others are sampled" : ""}`;
}

const loggerName = (logger: TrainingPlan["recipe"]["loggers"][number]): string =>
  logger.kind === "wandb" ? `wandb (${logger.mode}, project ${logger.project})` : logger.kind;

function policyLine(policy: TrainingPlan["recipe"]["policy"]): string {
  if (policy.kind === "dpo") return `dpo, offline: ${policy.epochs} epochs of batches of ${policy.batchSize} pairs`;
  const { algorithm, iterations, rolloutsPerIteration, reset } = policy;
  const validations = Math.ceil(iterations / policy.validation.every);
  const resets =
    reset.proportion === 0
      ? "no resets"
      : `resets into ${reset.source.kind}, cut by ${reset.selector.kind}, proportion ${reset.proportion}`;
  return `${algorithm.kind}, ${resets}: ${iterations} iterations of ${rolloutsPerIteration} rollouts, ${validations} validations`;
}
