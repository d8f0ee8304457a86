import type { Evaluation, Metric, ModelEvaluation } from "../domain/evaluation.js";
import { responseTokens } from "../domain/rollout.js";
import type { ModelHandle } from "../domain/model.js";
import { writeFromPrompts, type WrittenResponse } from "../drpo/write-from-prompts.js";
import { CorruptStateError } from "../errors.js";
import { klK1, klK3 } from "../math/kl.js";
import { pairAccuracy } from "../math/pair-accuracy.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";
import { bootstrap, bootstrapMean } from "../math/statistics.js";
import type { Commit } from "../ports/run-directory.js";
import { promptsToAnswer } from "./prompts-to-answer.js";
import { restoreFrozen } from "./restore-frozen.js";
import { scorerOf, scoreResponses, type RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

type Interval = (xs: readonly number[]) => Metric;

/**
 * SFT and the best policy, sampled from held-out prompts without resets, under the same noise, which no training and no
 * selection has used.
 */
export async function evaluateStage(
  run: OpenRun,
  sft: SftOutput,
  reward: RewardOutput,
  commit: Commit,
): Promise<Evaluation> {
  const { recipe, judge } = run;
  const { bootstrapResamples: resamples, examples } = recipe.evaluation;
  const interval: Interval = (xs) => bootstrapMean(xs, { resamples, seed: seedAt(recipe.seed, "bootstrap", 0) });

  const rewardAccuracy = await measureRewardAccuracy(run, reward);
  const best = commit.best ?? commit;
  const policy = await restorePolicy(run, best.checkpoint);
  const [sftResponses, policyResponses] = [
    await write(run, sft, reward, sft.reference),
    await write(run, sft, reward, policy),
  ];
  const [sftTexts, policyTexts] = [await textsOf(run, sftResponses), await textsOf(run, policyResponses)];

  const prompts = promptsToAnswer(run.evaluationGroups);
  const prompt = (row: number) => prompts[row % prompts.length]!.promptText;
  const verdicts = await judge.compare(
    policyTexts.map((first, row) => ({ prompt: prompt(row), first, second: sftTexts[row]! })),
  );
  const scores = (responses: readonly WrittenResponse[]) => responses.map(({ rollout }) => rollout.score);
  const [sftScores, policyScores] = [scores(sftResponses), scores(policyResponses)];

  const evaluation: Evaluation = {
    rewardAccuracy,
    sft: summarise(sftResponses, sftTexts, interval),
    policy: summarise(policyResponses, policyTexts, interval),
    difference: {
      score: interval(policyScores.map((score, i) => score - sftScores[i]!)),
      judgeWinRate: interval(verdicts.map((verdict) => ({ first: 1, second: 0, tie: 0.5 })[verdict])),
    },
    judge: judge.name,
    scoreScale: reward.scale,
    bestIteration: best.iteration,
    examples: policyTexts.slice(0, examples).map((text, row) => ({
      prompt: prompt(row),
      sft: { text: sftTexts[row]!, score: sftScores[row]! },
      policy: { text, score: policyScores[row]! },
    })),
  };
  await run.run.writeEvaluation(evaluation);
  return evaluation;
}

async function restorePolicy(run: OpenRun, checkpoint: Commit["checkpoint"]): Promise<ModelHandle> {
  const policy = await restoreFrozen(run, checkpoint, "policy");
  if (!policy) {
    throw new CorruptStateError(
      `The best checkpoint, ${checkpoint.uri}, is no longer on the server. Run drpo train --resume to go on from the last commit.`,
    );
  }
  await run.server.sampler.syncWeights(policy, run.call);
  return policy;
}

async function write(
  run: OpenRun,
  sft: SftOutput,
  reward: RewardOutput,
  policy: ModelHandle,
): Promise<readonly WrittenResponse[]> {
  const { recipe, server, progress } = run;
  const { rollouts: responses, temperature } = recipe.evaluation;
  const task = progress.start(
    `evaluate ${policy.name === sft.reference.name ? "SFT" : "policy"}`,
    responses,
    "responses",
  );
  const written = await writeFromPrompts(
    { ...server, scorer: scorerOf(run, reward) },
    {
      ...{ policy, reference: sft.reference, prompts: promptsToAnswer(run.evaluationGroups), responses },
      budget: recipe.response.maxTokens,
      params: { temperature, topP: 1, topK: 0, stopTokenIds: [run.tokenizerInfo.eosTokenId] },
      noise: { seed: recipe.seed, purpose: "evaluation", iteration: 0 },
    },
    { ...run.call, onProgress: (done) => task.update(done) },
  );
  task.end();
  return written;
}

const textsOf = (run: OpenRun, responses: readonly WrittenResponse[]): Promise<readonly string[]> =>
  run.server.tokenizer.detokenize(
    responses.map(({ rollout }) => responseTokens(rollout)),
    run.call,
  );

function summarise(
  responses: readonly WrittenResponse[],
  texts: readonly string[],
  interval: Interval,
): ModelEvaluation {
  const copies = new Map<string, number>();
  for (const text of texts) copies.set(text, (copies.get(text) ?? 0) + 1);
  return {
    score: interval(responses.map(({ rollout }) => rollout.score)),
    klK1: interval(responses.map(({ logRatios }) => klK1(logRatios))),
    klK3: interval(responses.map(({ logRatios }) => klK3(logRatios))),
    responseTokens: interval(responses.map(({ rollout }) => rollout.generated.length)),
    endedShare: interval(responses.map(({ rollout }) => (rollout.finishReason === "stop" ? 1 : 0))),
    // The mean of 1 / copies is the number of distinct responses over responses, and resampling does not add copies.
    distinctShare: interval(texts.map((text) => 1 / copies.get(text)!)),
  };
}

/**
 * Held-out pairs, with an interval over responses: pairs that share a response are not independent.
 * @returns null if no two held-out responses to a prompt differ in their rating
 */
async function measureRewardAccuracy(run: OpenRun, reward: RewardOutput): Promise<Metric | null> {
  const { recipe, evaluationGroups, progress } = run;
  const { heldOutResponses, bootstrapResamples: resamples } = recipe.evaluation;
  const random = new Random(seedAt(recipe.seed, "evaluation", 1));
  let room = heldOutResponses;
  const groups = random.shuffled(evaluationGroups).flatMap(({ responses }) => {
    const taken = random.shuffled(responses).slice(0, Math.max(room, 0));
    room -= taken.length;
    return taken.length > 1 ? [taken] : [];
  });
  const rows = groups.flat();
  const ratings = rows.map(({ rating }) => rating);
  const sizes = groups.map((group) => group.length);
  const nothingToCompare = Number.isNaN(pairAccuracy(ratings, ratings, sizes));
  if (nothingToCompare) return null;
  const task = progress.start("reward accuracy", rows.length, "responses");
  const scores = await scoreResponses(
    reward,
    rows.map(({ id, prompt, response }) => ({ prompt, response, ended: true, sourceId: id })),
    { ...run.call, onProgress: (done) => task.update(done) },
  );
  task.end();
  return bootstrap(
    rows.length,
    (indices) => {
      const weights = new Uint16Array(rows.length);
      for (const i of indices) weights[i]!++;
      return pairAccuracy(scores, ratings, sizes, weights);
    },
    { resamples, seed: seedAt(recipe.seed, "bootstrap", 1) },
  );
}
