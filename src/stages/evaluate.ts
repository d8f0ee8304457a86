import type {
  EvaluatedReference,
  EvaluatedResponse,
  Evaluation,
  EvaluationRows,
  Metric,
  Opponent,
} from "../domain/evaluation.js";
import type { ModelHandle } from "../domain/model.js";
import { CorruptStateError } from "../errors.js";
import { bootstrapMean, type BootstrapOptions } from "../math/bootstrap.js";
import { seedAt } from "../math/seeds.js";
import type { Commit } from "../ports/run-directory.js";
import { evaluationRows } from "./evaluation/evaluation-rows.js";
import { judgeResponses, pairings } from "./evaluation/judge-responses.js";
import { measureRewardAccuracy } from "./evaluation/measure-reward-accuracy.js";
import { scoreReferences } from "./evaluation/score-references.js";
import { summariseResponses } from "./evaluation/summarise-responses.js";
import { headlineWinRate, judgeAgreement, winRates } from "./evaluation/win-rates.js";
import { writeResponses } from "./evaluation/write-responses.js";
import { openJudges } from "./open-judges.js";
import { restoreFrozen } from "./restore-frozen.js";
import type { RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/**
 * SFT and the best policy on held-out prompts, sampled without resets under the same noise, beside what people wrote, and
 * what judges say of them.
 */
export async function evaluateStage(
  run: OpenRun,
  sft: SftOutput,
  reward: RewardOutput,
  commit: Commit,
): Promise<Evaluation> {
  const rewardAccuracy = await measureRewardAccuracy(run, reward);
  const best = commit.best ?? commit;
  const policy = await restorePolicy(run, best.checkpoint);
  const rows = evaluationRows(run);
  const references = await scoreReferences(run, reward, rows);
  const write = (model: ModelHandle) => writeResponses(run, { sft, reward }, model, { rows, references });
  const written = { reference: references, sft: await write(sft.reference), policy: await write(policy) };
  const opponents = new Map(
    run.recipe.evaluation.against.map((name): [Opponent, readonly EvaluatedReference[]] => [name, written[name]]),
  );
  const verdicts = await judgeResponses(
    { ...run, judges: await openJudges(run, run.judges, () => Promise.resolve(sft)) },
    pairings(written, opponents),
  );

  const all = { ...written, verdicts };
  const evaluation: Evaluation = {
    ...{ rewardAccuracy, ...figures(run, all) },
    ...{ scoreScale: reward.scale, bestIteration: best.iteration, settings: run.recipe.evaluation },
  };
  await run.run.writeEvaluation(evaluation, all);
  return evaluation;
}

/** What the written rows say. */
function figures(
  { recipe }: OpenRun,
  { reference, sft, policy, verdicts }: EvaluationRows,
): Pick<Evaluation, "sft" | "policy" | "reference" | "difference" | "winRates" | "agreement"> {
  const options = { resamples: recipe.evaluation.bootstrapResamples, seed: seedAt(recipe.seed, "bootstrap", 0) };
  const rates = winRates(verdicts);
  return {
    sft: summariseResponses(sft, options),
    policy: summariseResponses(policy, options),
    reference: reference.length === 0 ? null : { score: referenceScore(reference, options) },
    difference: {
      score: bootstrapMean(scoreDifferences(policy, sft), options),
      judgeWinRate: headlineWinRate(rates),
    },
    ...{ winRates: rates, agreement: judgeAgreement(verdicts) },
  };
}

/** Row by row: the same prompt under the same noise. */
const scoreDifferences = (policy: readonly EvaluatedResponse[], sft: readonly EvaluatedResponse[]): readonly number[] =>
  policy.map(({ score }, row) => score - sft[row]!.score);

/** Over different references: one that answers several rows says nothing new. */
function referenceScore(references: readonly EvaluatedReference[], options: BootstrapOptions): Metric {
  const distinct = new Map(references.map((one) => [JSON.stringify([one.promptId, one.response]), one.score]));
  return bootstrapMean([...distinct.values()], options);
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
