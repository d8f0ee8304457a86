import type { RewardModelOptions, TrainedRewardOptions } from "../config/reward.js";
import { rewardModelTerm } from "../config/reward-terms.js";
import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import { rewardTemplate, type RewardTemplate } from "../drpo/reward-template.js";
import { pairAccuracy } from "../math/pair-accuracy.js";
import { seedAt } from "../math/seeds.js";
import { trainOnBatches } from "./gradient-batches.js";
import { restoreFrozen } from "./restore-frozen.js";
import { rewardBatches } from "./reward-batches.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";
import { stageKey } from "./stage-key.js";

/** The reward model on the server, frozen, with how it reads a response. */
export interface RewardModelOutput {
  readonly model: ModelHandle;
  readonly template: RewardTemplate;
}

/**
 * Algorithm 1, step 2: trains r by maximum likelihood under Bradley-Terry, or takes the one that the recipe names.
 * @returns null if the recipe's scores come from elsewhere
 */
export async function rewardModelStage(run: OpenRun, sft: SftOutput): Promise<RewardModelOutput | null> {
  const options = rewardModelTerm(run.recipe.reward)?.reward;
  if (!options) return null;
  const template = await rewardTemplate(run.server.tokenizer, options.template, run.tokenizerInfo.eosTokenId);
  const model =
    options.kind === "train" ? await trainedModel(run, sft, options, template) : await loadRewardModel(run, options);
  return { model, template };
}

/** From the cache, or trained now. */
async function trainedModel(
  run: OpenRun,
  sft: SftOutput,
  options: TrainedRewardOptions,
  template: RewardTemplate,
): Promise<ModelHandle> {
  const seed = options.seed ?? run.recipe.seed;
  const start = options.startFrom === "sft" ? sft : null;
  // The units of scores are measured when the model is there.
  const { normalise: _normalise, scaleRollouts: _scaleRollouts, ...training } = options;
  const { maxTokens } = run.recipe.response;
  const key = await stageKey(run, "reward", { options: training, seed, maxTokens, start: start?.key ?? null });
  let model: ModelHandle | null = null;
  const { reused } = await run.cache.getOrCompute<CheckpointRef>({
    ...{ stage: "reward", key, signal: run.call.signal },
    stillThere: async (checkpoint) => (model = await restoreFrozen(run, checkpoint, "reward-model")) !== null,
    compute: async () => {
      const checkpoint = await trainRewardModel(run, { options, template, start, seed, key });
      model = await restoreFrozen(run, checkpoint, "reward-model");
      return checkpoint;
    },
  });
  if (reused) run.progress.note("reward: reused from the cache");
  return model!;
}

function loadRewardModel(
  run: OpenRun,
  options: Exclude<RewardModelOptions, TrainedRewardOptions>,
): Promise<ModelHandle> {
  const { recipe, server, call } = run;
  const source =
    options.kind === "folder"
      ? { base: options.path, shape: { kind: "full" } as const }
      : { base: recipe.model.base, shape: recipe.model.shape, initialisedFrom: { peftAdapter: options.path } };
  const seed = seedAt(recipe.seed, "model", 1);
  return server.models.createModel({ name: "reward-model", head: "scalar", trainable: false, seed, ...source }, call);
}

async function trainRewardModel(
  run: OpenRun,
  {
    options,
    template,
    start,
    seed,
    key,
  }: {
    readonly options: TrainedRewardOptions;
    readonly template: RewardTemplate;
    readonly start: SftOutput | null;
    readonly seed: number;
    readonly key: string;
  },
): Promise<CheckpointRef> {
  const { recipe, server, call } = run;
  const { base, shape } = recipe.model;
  const model = await server.models.createModel(
    {
      ...{ name: "reward-model", base, shape, head: "scalar", trainable: true, seed: seedAt(seed, "model", 1) },
      ...(start ? { initialisedFrom: { copyOf: start.reference.name, resetHead: true } } : {}),
    },
    call,
  );
  const trained = await trainOnBatches(run, {
    stage: "reward",
    model,
    batches: rewardBatches(run, options, template, seed),
    optimizer: options.optimizer,
    figures: ({ loss }, { outputs }) =>
      loss.kind === "rankedGroup" ? { accuracy: pairAccuracy(outputs, loss.ratings, loss.groupSizes) } : {},
  });
  const uri = `stages/reward-${key.slice(0, 16)}`;
  return server.models.saveCheckpoint({ uri, models: [trained], withOptimizerState: false }, call);
}
