import { directoryStageCache } from "../cache/directory-stage-cache.js";
import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import type { RunDirectory } from "../ports/run-directory.js";
import { refuseChanged } from "../run/refuse-changed.js";
import { evaluateStage } from "../stages/evaluate.js";
import { openRun } from "../stages/open-run.js";
import { rewardStage } from "../stages/reward.js";
import { sftStage } from "../stages/sft.js";
import type { CommandContext } from "./command-context.js";
import { cacheDirectory } from "./open-model-server.js";
import { openTrainedRun } from "./open-trained-run.js";
import type { EvaluationPlan } from "./plan-evaluation.js";
import { readOnlyCache } from "./read-only-cache.js";
import { readOnlyRun } from "./read-only-run.js";

/**
 * Evaluates a run's best checkpoint so far on a server of its own; the run is only read.
 * @throws NotOnServerError if a stage's output is in the cache no more; BadInputError if base or tokenizer changed
 */
export async function evaluateRun(
  context: CommandContext,
  plan: EvaluationPlan,
  session: { readonly progress: ClosableProgress; readonly signal: AbortSignal },
): Promise<{ readonly evaluation: Evaluation; readonly rows: EvaluationRows }> {
  const { directory, reading, lastCommit } = plan;
  const { server, stop } = await openTrainedRun(context, directory, { ...session, set: plan.places });
  try {
    const { baseHash: base, tokenizerHash: tokenizer } = await server.tokenizer.info({ signal: session.signal });
    refuseChanged(directory, reading.record.hashes, { base, tokenizer });
    const cache = directoryStageCache({ directory: cacheDirectory(context) });
    const { run, written } = collecting(readOnlyRun(directory, reading.record, lastCommit));
    const opened = await openRun({
      ...{ ...plan, ...session, server, run },
      // Nothing is trained and nothing reset; what the run was made of must be there.
      ...{ cache: readOnlyCache(cache), algorithm: null, pool: null, cutFunction: null },
    });
    const sft = await sftStage(opened);
    const reward = await rewardStage(opened, sft);
    const evaluation = await evaluateStage({ ...opened, cache }, sft, reward, lastCommit);
    return { evaluation, rows: written() };
  } finally {
    await stop();
  }
}

/** The same run directory, whose evaluation is handed over instead of written. */
function collecting(run: RunDirectory): { readonly run: RunDirectory; readonly written: () => EvaluationRows } {
  let collected: EvaluationRows | null = null;
  const writeEvaluation: RunDirectory["writeEvaluation"] = (_, rows) => {
    collected = rows;
    return Promise.resolve();
  };
  return { run: { ...run, writeEvaluation }, written: () => collected! };
}
