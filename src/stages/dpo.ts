import type { DpoOptions } from "../config/policy.js";
import type { TokenizedResponse } from "../domain/tokenized-dataset.js";
import { refuseDivergence } from "../drpo/refuse-divergence.js";
import { scheduledStep } from "../drpo/scheduled-step.js";
import { splitBySpan } from "../drpo/training-rows.js";
import { BadInputError } from "../errors.js";
import { klK1 } from "../math/kl.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";
import { mean } from "../math/statistics.js";
import type { ModelHandle } from "../domain/model.js";
import type { Trainer } from "../ports/trainer.js";
import type { CallOptions } from "../ports/call-options.js";
import { firstState } from "./first-state.js";
import { chunks } from "./gradient-batches.js";
import type { PolicyCommitter } from "./policy-committer.js";
import type { RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** Two responses to one prompt, the preferred one first. */
type Pair = readonly [preferred: TokenizedResponse, rejected: TokenizedResponse];

/**
 * Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, eq. 7): no rollouts, no reward model in the
 * update; pairs of the data, an optimiser step an iteration. On ranked data each response is paired with one of its
 * group that is rated otherwise, drawn anew in each epoch.
 */
export async function trainByDpo(
  run: OpenRun,
  options: DpoOptions,
  {
    sft,
    reward,
    seed,
    committer,
  }: {
    readonly sft: SftOutput;
    readonly reward: RewardOutput;
    readonly seed: number;
    readonly committer: PolicyCommitter;
  },
): Promise<void> {
  const { server, progress, call } = run;
  const epochs = Array.from({ length: options.epochs }, (_, epoch) => epochPairs(run, options, seed, epoch));
  const batches = epochs.flatMap((pairs) => chunks(pairs, options.batchSize));
  const iterations = batches.length;
  const commitIteration = committer({ iterations, klCoef: options.beta });

  let state = await firstState(run, sft, reward, { needsCritic: false, klCoef: options.beta, seed });
  const task = progress.start("policy", iterations, "batches");
  task.update(state.iteration);
  for (let iteration = state.iteration; iteration < iterations; iteration++) {
    const { models } = state;
    const gradients = await dpoGradients(server.trainer, models, batches[iteration]!, options, call);
    const { model: policy, ...step } = await scheduledStep(
      server.trainer,
      {
        ...{ model: models.policy, optimizer: options.optimizer, requestIds: [gradients.requestId] },
        ...{ index: iteration, total: iterations },
      },
      call,
    );
    await server.trainer.release([], call);
    const metrics = { ...gradients.metrics, ...step };
    refuseDivergence(metrics, iteration, options.maxKl);
    await run.run.appendMetrics({ stage: "policy", iteration: iteration + 1, metrics });
    state = await commitIteration({ ...state, iteration: iteration + 1, models: { ...models, policy } }, [], call);
    task.update(iteration + 1, { loss: gradients.metrics.policyLoss, accuracy: gradients.metrics.accuracy });
  }
  task.end();
}

/** Pairs of one epoch, in the order of its batches. @throws BadInputError if the data has none that fit */
function epochPairs(
  run: OpenRun,
  { maxPairs = Infinity, onlyWithinBudget }: DpoOptions,
  seed: number,
  epoch: number,
): readonly Pair[] {
  const random = new Random(seedAt(seed, "dpo-pairs", epoch));
  const budget = onlyWithinBudget ? run.recipe.response.maxTokens : Infinity;
  const fits = ({ response }: TokenizedResponse) => response.length <= budget;
  const pairs = run.data.train.flatMap(({ responses }) => pairsOf(responses.filter(fits), random));
  if (pairs.length === 0) {
    throw new BadInputError(
      "No two responses of the training split that answer one prompt differ in their rating and fit (policy.onlyWithinBudget): " +
        "DPO has nothing to learn from.",
    );
  }
  return random.shuffled(pairs).slice(0, maxPairs);
}

/** A pair as it is; of a ranked list, each response with a random one that is rated otherwise. */
function pairsOf(responses: readonly TokenizedResponse[], random: Random): Pair[] {
  const ordered = (a: TokenizedResponse, b: TokenizedResponse): Pair => (a.rating > b.rating ? [a, b] : [b, a]);
  if (responses.length === 2) {
    const [a, b] = responses as [TokenizedResponse, TokenizedResponse];
    return a.rating === b.rating ? [] : [ordered(a, b)];
  }
  // The next in a random order that is rated otherwise: uniform among them.
  const order = random.shuffled(responses);
  const next = nextOtherwiseRated(order);
  return order.flatMap((one, i) => (next[i] === undefined ? [] : [ordered(one, order[next[i]]!)]));
}

/** Going round, the place of the next response that is rated otherwise; undefined where all ratings are equal. */
function nextOtherwiseRated(order: readonly TokenizedResponse[]): readonly (number | undefined)[] {
  const next = new Array<number | undefined>(order.length);
  // Twice around from the end, so that the last ones see the first.
  for (let i = 2 * order.length - 1; i >= 0; i--) {
    const [here, after] = [i % order.length, (i + 1) % order.length];
    next[here] = order[here]!.rating === order[after]!.rating ? next[after] : after;
  }
  return next;
}

/** Gradients of the mean DPO loss of a batch, and what it says of the policy. */
async function dpoGradients(
  trainer: Trainer,
  { policy, reference }: { readonly policy: ModelHandle; readonly reference: ModelHandle },
  pairs: readonly Pair[],
  { beta, labelSmoothing }: DpoOptions,
  call: CallOptions,
) {
  const rows = pairs.flat().map(({ prompt, response }) => ({
    ...{ tokens: [...prompt, ...response], spanStart: prompt.length, spanLength: response.length },
  }));
  const [referenceLogprobs] = await trainer.forward({ rows }, [{ model: reference, output: "logprobs" }], call);
  const loss = {
    kind: "dpo",
    referenceLogprobs: referenceLogprobs!,
    preferredRows: pairs.map((_, pair) => 2 * pair),
    rejectedRows: pairs.map((_, pair) => 2 * pair + 1),
    weights: pairs.map(() => 1 / pairs.length),
    beta,
    labelSmoothing,
  } as const;
  const { requestId, losses } = await trainer.forwardBackward({ rows }, [{ model: policy, loss }], call);
  const logRatios = splitBySpan(
    losses[0]!.outputs.map((logprob, i) => logprob - referenceLogprobs![i]!),
    rows,
  ).map(klK1);
  const margins = pairs.map((_, pair) => beta * (logRatios[2 * pair]! - logRatios[2 * pair + 1]!));
  return {
    requestId,
    metrics: {
      policyLoss: losses[0]!.loss,
      accuracy: mean(margins.map((margin) => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0))),
      margin: mean(margins),
      preferredLogRatio: mean(pairs.map((_, pair) => logRatios[2 * pair]!)),
      rejectedLogRatio: mean(pairs.map((_, pair) => logRatios[2 * pair + 1]!)),
    },
  };
}
