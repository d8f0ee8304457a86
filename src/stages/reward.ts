import type { RewardOptions } from "../config/reward.js";
import type { CheckpointRef, ModelHandle, ScoreScale } from "../domain/model.js";
import type { TokenizedResponse } from "../domain/tokenized-dataset.js";
import { rewardModelScorer, type Scorer } from "../drpo/score-rollouts.js";
import { rewardTemplate, type RewardTemplate } from "../drpo/reward-template.js";
import { writeFromPrompts } from "../drpo/write-from-prompts.js";
import { BadInputError, DivergedError } from "../errors.js";
import { pairAccuracy } from "../math/pair-accuracy.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";
import { mean, standardDeviation } from "../math/statistics.js";
import { chunks, trainOnBatches, type GradientBatch } from "./gradient-batches.js";
import { restoreFrozen } from "./restore-frozen.js";
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
      return { checkpoint, scale: await measureScale(run, { sft, model: model!, template, seed }) };
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

/**
 * Ranked groups: every two responses of a group whose ratings differ are a comparison, and a batch's loss is the mean
 * over its comparisons. Some groups are cut to the response budget, as sampled responses are: a model that has seen
 * whole responses only scores a cut one far out of its range.
 */
function rewardBatches(
  run: OpenRun,
  options: RewardOptions & { kind: "train" },
  template: RewardTemplate,
  seed: number,
): GradientBatch[] {
  const { maxTokens } = run.recipe.response;
  const random = new Random(seedAt(seed, "reward-order", 0));
  const maxResponses = options.maxResponses ?? Infinity;
  const chosen = takeGroups(random.shuffled(run.data.train), maxResponses).map(({ responses }) =>
    random.shuffled(responses).slice(0, maxResponses),
  );
  const batches: GradientBatch[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const groups = chosen
      .flatMap((responses) => chunks(random.shuffled(responses), options.groupSize))
      .filter((group) => countComparisons(group) > 0);
    for (const batch of chunks(random.shuffled(groups), options.groupsPerBatch)) {
      const comparisons = batch.reduce((sum, group) => sum + countComparisons(group), 0);
      const rows = batch.flatMap((group) => {
        const budget = random.bernoulli(options.cutShare) ? maxTokens : Infinity;
        return group.map(({ prompt, response }) => template(prompt, response.slice(0, budget)));
      });
      batches.push({
        rows: rows.map((tokens) => ({ tokens, spanStart: 1, spanLength: 0 })),
        loss: {
          kind: "rankedGroup",
          groupSizes: batch.map((group) => group.length),
          ratings: batch.flatMap((group) => group.map(({ rating }) => rating)),
          weights: batch.map(() => 1 / comparisons),
        },
      });
    }
  }
  if (batches.length === 0) {
    throw new BadInputError(
      "No two responses to the same prompt differ in their rating: a reward model has nothing to learn.",
    );
  }
  return batches;
}

/** The first groups that together hold `maxResponses` responses. */
function takeGroups<T extends { readonly responses: readonly unknown[] }>(
  groups: readonly T[],
  maxResponses: number,
): T[] {
  let taken = 0;
  return groups.filter(({ responses }) => {
    const wanted = taken < maxResponses;
    taken += responses.length;
    return wanted;
  });
}

function countComparisons(group: readonly TokenizedResponse[]): number {
  let comparisons = 0;
  for (const [i, { rating }] of group.entries()) {
    for (const other of group.slice(i + 1)) if (other.rating !== rating) comparisons++;
  }
  return comparisons;
}

/** Mean and standard deviation of raw scores over samples of pi_SFT: the units of all scores of the run. */
async function measureScale(
  run: OpenRun,
  {
    sft,
    model,
    template,
    seed,
  }: {
    readonly sft: SftOutput;
    readonly model: ModelHandle;
    readonly template: RewardTemplate;
    readonly seed: number;
  },
): Promise<ScoreScale> {
  const { recipe, server, tokenizerInfo, data, call, progress } = run;
  const task = progress.start("score scale", recipe.reward.scaleRollouts, "responses");
  const scorer = scorerOf(run, { model, template, scale: { mean: 0, standardDeviation: 1 } });
  const written = await writeFromPrompts(
    { ...server, scorer },
    {
      policy: sft.reference,
      reference: sft.reference,
      prompts: data.train,
      responses: recipe.reward.scaleRollouts,
      budget: recipe.response.maxTokens,
      params: { ...recipe.policy.sampling, stopTokenIds: [tokenizerInfo.eosTokenId] },
      noise: { seed, purpose: "score-scale", iteration: 0 },
    },
    { ...call, onProgress: (done) => task.update(done) },
  );
  const scores = written.map(({ rollout }) => rollout.score);
  const scale = { mean: mean(scores), standardDeviation: standardDeviation(scores) };
  task.end(`SFT samples score ${scale.mean.toFixed(2)} ± ${scale.standardDeviation.toFixed(2)}`);
  if (!(scale.standardDeviation > 0)) {
    throw new DivergedError(
      "The reward model gives every sample of the SFT policy the same score: it has learnt nothing.",
    );
  }
  return scale;
}
