import type { RewardOptions } from "../config/reward.js";
import type { CheckpointRef, ModelHandle, ScoreScale } from "../domain/model.js";
import { rewardModelScorer, type Scorer } from "../drpo/score-rollouts.js";
import { rewardTemplate, type RewardTemplate } from "../drpo/reward-template.js";
import { pairAccuracy } from "../math/pair-accuracy.js";
import { seedAt } from "../math/seeds.js";
import { trainOnBatches } from "./gradient-batches.js";
import { measureScale } from "./measure-scale.js";
import { restoreFrozen } from "./restore-frozen.js";
import { rewardBatches } from "./reward-batches.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";
import { stageKey } from "./stage-key.js";

/** The reward model on the server, frozen, with how to read a response and in which units to score it. */
export interface RewardOutput {
  readonly model: ModelHandle;
  readonly template: RewardTemplate;
  readonly scale: ScoreScale;
}

/** What the cache keeps. */
interface StoredReward {
  /** Null for a model that the recipe names: it is loaded from there. */
  readonly checkpoint: CheckpointRef | null;
  readonly scale: ScoreScale;
}

/** Algorithm 1, step 2: trains r by maximum likelihood under Bradley-Terry, or takes the one that the recipe names. */
export async function rewardStage(run: OpenRun, sft: SftOutput): Promise<RewardOutput> {
  const { recipe, server, tokenizerInfo, cache, call } = run;
  const options = recipe.reward;
  const template = await rewardTemplate(server.tokenizer, options.template, tokenizerInfo.eosTokenId);
  const seed = (options.kind === "train" ? options.seed : undefined) ?? recipe.seed;
  const loaded = options.kind === "train" ? null : await loadRewardModel(run, options);
  const key = await stageKey(run, "reward", {
    ...{ options, seed, sft: sft.key, maxTokens: recipe.response.maxTokens },
    ...{ loaded: loaded?.version.weightsHash, sampling: recipe.policy.sampling },
  });

  let model = loaded;
  const { output, reused } = await cache.getOrCompute<StoredReward>({
    stage: "reward",
    key,
    stillThere: async ({ checkpoint }) =>
      checkpoint === null || (model = await restoreFrozen(run, checkpoint, "reward-model")) !== null,
    compute: async () => {
      let checkpoint: CheckpointRef | null = null;
      if (options.kind === "train") {
        checkpoint = await trainRewardModel(run, { options, template, seed, key });
        model = await restoreFrozen(run, checkpoint, "reward-model");
      }
      return {
        checkpoint,
        scale: await measureScale(run, { reference: sft.reference, model: model!, template, seed }),
      };
    },
    signal: call.signal,
  });
  if (reused) run.progress.note("reward: reused from the cache");
  return { model: model!, template, scale: output.scale };
}

/** The scorer of rollouts by this reward model. */
export const scorerOf = (
  run: OpenRun,
  { model, template, scale }: RewardOutput,
  missingEosScore: number | null = null,
): Scorer => rewardModelScorer({ rewardModel: run.server.rewardModel, model, template, scale, missingEosScore });

function loadRewardModel(run: OpenRun, options: Exclude<RewardOptions, { kind: "train" }>): Promise<ModelHandle> {
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
    seed,
    key,
  }: {
    readonly options: RewardOptions & { kind: "train" };
    readonly template: RewardTemplate;
    readonly seed: number;
    readonly key: string;
  },
): Promise<CheckpointRef> {
  const { recipe, server, call } = run;
  const { base, shape } = recipe.model;
  const model = await server.models.createModel(
    { name: "reward-model", base, shape, head: "scalar", trainable: true, seed: seedAt(seed, "model", 1) },
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
