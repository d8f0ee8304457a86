import type { RewardModelRecipe } from "../config/reward.js";
import { rewardModelTerm } from "../config/reward-terms.js";
import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import { rewardTemplate, type RewardTemplate } from "../drpo/reward-template.js";
import { pairAccuracy } from "../math/pair-accuracy.js";
import { seedAt } from "../math/seeds.js";
import type { CreatedModel } from "../ports/model-store.js";
import { trainOnBatches } from "./gradient-batches.js";
import { identityOf } from "./model-identity.js";
import { refuseOtherTokenizer } from "./refuse-other-tokenizer.js";
import { restoreFrozen } from "./restore-frozen.js";
import { rewardBatches } from "./reward-batches.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";
import { stageKey } from "./stage-key.js";

/** The reward model on the server, frozen, with how it reads a response. */
export interface RewardModelOutput {
  readonly model: ModelHandle;
  readonly template: RewardTemplate;
  /** Of the model: what was measured with another one is not reused. */
  readonly identity: string;
}

/** A reward model, and what it is called. */
export interface RewardModelRequest {
  readonly options: RewardModelRecipe;
  /** On the server: no two models of a run share it. */
  readonly name: string;
  /** In messages: its place in the recipe, or the judge that it is. */
  readonly where: string;
  /** In metrics, and in the cache. */
  readonly stage: string;
  /** What it is trained on, where it is trained. */
  readonly groups: readonly TokenizedGroup[];
  /** What it starts from, where the options say so. */
  readonly sft: SftOutput;
}

/**
 * Algorithm 1, step 2: trains r by maximum likelihood under Bradley-Terry, or takes the one that the recipe names.
 * @returns null if the recipe's scores come from elsewhere
 */
export async function rewardModelStage(run: OpenRun, sft: SftOutput): Promise<RewardModelOutput | null> {
  const term = rewardModelTerm(run.recipe.reward);
  if (!term) return null;
  // The units of scores are measured when the model is there.
  const { normalise: _normalise, scaleRollouts: _scaleRollouts, ...options } = term.reward;
  const groups = run.data.train;
  const obtained = await obtainRewardModel(run, {
    options,
    name: "reward-model",
    where: term.key,
    stage: "reward",
    groups,
    sft,
  });
  if (options.kind !== "train") await run.run.identify(`${term.key}.path`, obtained.identity);
  return obtained;
}

/** The reward model that is asked for: from the cache, trained now, or one's own. */
export async function obtainRewardModel(run: OpenRun, request: RewardModelRequest): Promise<RewardModelOutput> {
  const { options } = request;
  const { endTokenIds, beginTokenIds } = run.tokenizerInfo;
  const beginTokens = run.recipe.data.beginTokens === "auto" ? beginTokenIds : [];
  const template = await rewardTemplate(run.server.tokenizer, options.template, endTokenIds, beginTokens);
  if (options.kind === "train") {
    const model = await trainedModel(run, { ...request, options, template });
    return { model, template, identity: model.version.weightsHash };
  }
  const model = await loadRewardModel(run, options, request);
  return { model, template, identity: identityOf(model) };
}

interface TrainingRequest extends RewardModelRequest {
  readonly options: Extract<RewardModelRecipe, { readonly kind: "train" }>;
  readonly template: RewardTemplate;
}

/** From the cache, or trained now. */
async function trainedModel(run: OpenRun, request: TrainingRequest): Promise<ModelHandle> {
  const { options, name, stage, sft } = request;
  const seed = options.seed ?? run.recipe.seed;
  const start = options.startFrom === "sft" ? sft : null;
  const { maxTokens } = run.recipe.response;
  const key = await stageKey(run, stage, { options, seed, maxTokens, start: start?.key ?? null });
  let model: ModelHandle | null = null;
  const { reused } = await run.cache.getOrCompute<CheckpointRef>({
    ...{ stage, key, signal: run.call.signal },
    stillThere: async (checkpoint) => (model = await restoreFrozen(run, checkpoint, name)) !== null,
    compute: async () => {
      const checkpoint = await trainRewardModel(run, request, { start, seed, key });
      model = await restoreFrozen(run, checkpoint, name);
      return checkpoint;
    },
  });
  if (reused) run.progress.note(`${stage}: reused from the cache`);
  return model!;
}

async function loadRewardModel(
  run: OpenRun,
  options: Exclude<RewardModelRecipe, { readonly kind: "train" }>,
  { name, where }: RewardModelRequest,
): Promise<CreatedModel> {
  const { recipe, server, call } = run;
  await refuseOtherTokenizer(run, { where, folder: options.path });
  const source =
    options.kind === "folder"
      ? { base: options.path, shape: { kind: "full" } as const }
      : { base: recipe.model.base, shape: recipe.model.shape, initialisedFrom: { peftAdapter: options.path } };
  const seed = seedAt(recipe.seed, "model", 1);
  return server.models.createModel({ name, head: "scalar", trainable: false, seed, ...source }, call);
}

async function trainRewardModel(
  run: OpenRun,
  { options, name, stage, groups, template }: TrainingRequest,
  { start, seed, key }: { readonly start: SftOutput | null; readonly seed: number; readonly key: string },
): Promise<CheckpointRef> {
  const { recipe, server, call } = run;
  const { base, shape } = recipe.model;
  const model = await server.models.createModel(
    {
      ...{ name, base, shape, head: "scalar", trainable: true, seed: seedAt(seed, "model", 1) },
      ...(start ? { initialisedFrom: { copyOf: start.reference.name, resetHead: true } } : {}),
    },
    call,
  );
  const trained = await trainOnBatches(run, {
    ...{ stage, model, optimizer: options.optimizer },
    batches: rewardBatches(groups, options, { template, seed, maxTokens: recipe.response.maxTokens }),
    figures: ({ loss }, { outputs }) =>
      loss.kind === "rankedGroup" ? { accuracy: pairAccuracy(outputs, loss.ratings, loss.groupSizes) } : {},
  });
  const uri = `stages/${stage}-${key.slice(0, 16)}`;
  return server.models.saveCheckpoint({ uri, models: [trained], withOptimizerState: false }, call);
}
