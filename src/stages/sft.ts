import type { SftOptions } from "../config/sft.js";
import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import { BadInputError } from "../errors.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";
import { chunks, trainOnBatches, type GradientBatch } from "./gradient-batches.js";
import { datasetResponses } from "./dataset-responses.js";
import { identityOf } from "./model-identity.js";
import { refuseOtherTokenizer } from "./refuse-other-tokenizer.js";
import { restoreFrozen } from "./restore-frozen.js";
import type { OpenRun } from "./run-context.js";
import { stageKey } from "./stage-key.js";

/** pi_SFT on the server, frozen: the KL reference, and what the policy starts from. */
export interface SftOutput {
  readonly reference: ModelHandle;
  /** Identifies it in the keys of later stages. */
  readonly key: string;
}

/** Algorithm 1, step 1: trains pi_SFT by cross-entropy on responses, or takes the one that the recipe names. */
export async function sftStage(run: OpenRun): Promise<SftOutput> {
  const options = run.recipe.sft;
  if (options.kind === "train") return trainSft(run, options);
  const { base, shape } = run.recipe.model;
  if (options.kind === "adapter") await refuseOtherTokenizer(run, { where: "sft.path", folder: options.path });
  const reference = await run.server.models.createModel(
    {
      name: "reference",
      base,
      shape,
      head: "language-model",
      trainable: false,
      seed: seedAt(run.recipe.seed, "model", 0),
      ...(options.kind === "adapter" ? { initialisedFrom: { peftAdapter: options.path } } : {}),
    },
    run.call,
  );
  if (options.kind === "adapter") await run.run.identify("sft.path", identityOf(reference));
  return { reference, key: await stageKey(run, "sft", reference.version.weightsHash) };
}

async function trainSft(run: OpenRun, options: SftOptions & { kind: "train" }): Promise<SftOutput> {
  const { recipe, server, cache, call } = run;
  const seed = options.seed ?? recipe.seed;
  const key = await stageKey(run, "sft", { options, seed });
  let reference: ModelHandle | null = null;
  const { reused } = await cache.getOrCompute<CheckpointRef>({
    stage: "sft",
    key,
    stillThere: async (checkpoint) => (reference = await restoreFrozen(run, checkpoint, "reference")) !== null,
    compute: async () => {
      const model = await server.models.createModel(
        {
          name: "reference",
          base: recipe.model.base,
          shape: recipe.model.shape,
          head: "language-model",
          trainable: true,
          seed: seedAt(seed, "model", 0),
        },
        call,
      );
      const trained = await trainOnBatches(run, {
        stage: "sft",
        model,
        batches: sftBatches(run, options, seed),
        optimizer: options.optimizer,
      });
      const checkpoint = await server.models.saveCheckpoint(
        { uri: `stages/sft-${key.slice(0, 16)}`, models: [trained], withOptimizerState: false },
        call,
      );
      reference = await restoreFrozen(run, checkpoint, "reference");
      return checkpoint;
    },
    signal: call.signal,
  });
  if (reused) run.progress.note("sft: reused from the cache");
  return { reference: reference!, key };
}

/** - 1/tokens sum ln pi(y_t | x, y_<t) over the tokens of each batch's responses, the end of sequence included. */
function sftBatches(run: OpenRun, options: SftOptions & { kind: "train" }, seed: number): GradientBatch[] {
  const { maxResponses = Infinity } = options;
  const budget = options.onlyWithinBudget ? run.recipe.response.maxTokens : Infinity;
  const candidates = datasetResponses(run.data.train, options).filter(({ response }) => response.length <= budget);
  if (candidates.length === 0) {
    throw new BadInputError(
      "No response of the training split is chosen by sft.field and sft.minRating and short enough (sft.onlyWithinBudget): " +
        "there is nothing to train SFT on. Relax one of them.",
    );
  }
  const chosen = new Random(seedAt(seed, "sft-order", 0)).shuffled(candidates).slice(0, maxResponses);
  return Array.from({ length: options.epochs }, (_, epoch) =>
    chunks(new Random(seedAt(seed, "sft-order", 1 + epoch)).shuffled(chosen), options.batchSize),
  )
    .flat()
    .map((responses) => {
      const tokens = responses.reduce((sum, { response }) => sum + response.length, 0);
      return {
        rows: responses.map(({ prompt, response }) => ({
          tokens: [...prompt, ...response],
          spanStart: prompt.length,
          spanLength: response.length,
        })),
        loss: { kind: "crossEntropy", weights: new Array<number>(tokens).fill(1 / tokens) },
      };
    });
}
