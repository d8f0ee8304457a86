import { directoryStageCache } from "../cache/directory-stage-cache.js";
import type { ResetHere, ResetHereRequest, ResetHereResult } from "../dashboard/reset-here.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import type { ModelHandle } from "../domain/model.js";
import { isEnded, withoutEnd } from "../domain/rollout.js";
import { collectRollouts } from "../drpo/collect-rollouts.js";
import type { Scorer } from "../drpo/score-rollouts.js";
import { BadInputError, EnvironmentError } from "../errors.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Commit } from "../ports/run-directory.js";
import { lastCommitOf, readJournal } from "../run/journal.js";
import { readRunRecord } from "../run/read-run.js";
import { runPaths } from "../run/run-files.js";
import { openRun } from "../stages/open-run.js";
import { rewardStage, scorerOf } from "../stages/reward.js";
import type { OpenRun } from "../stages/run-context.js";
import { sftStage } from "../stages/sft.js";
import type { CommandContext } from "./command-context.js";
import { createRewardFunctions } from "./create-reward-functions.js";
import { cacheDirectory } from "./open-model-server.js";
import { openTrainedRun, type TrainedRun } from "./open-trained-run.js";
import { readOnlyCache } from "./read-only-cache.js";
import { readOnlyRun } from "./read-only-run.js";

interface Session {
  readonly progress: ClosableProgress;
  /** Aborted when the dashboard ends. */
  readonly signal: AbortSignal;
}

/** A run on a model server, with what it scores by. */
interface ServedRun {
  readonly directory: string;
  readonly trained: TrainedRun;
  readonly run: OpenRun;
  readonly scorer: Scorer;
  /** The policy that is loaded, by its checkpoint. */
  policy: { readonly manifestHash: string; readonly handle: ModelHandle } | null;
}

/**
 * Continues runs' rollouts on a model server: one is started as the run's recipe says (or connected to, if it is remote)
 * when the run is asked about first, and ended when another run is. Calls take turns.
 */
export function createResetHere(context: CommandContext, session: Session): ResetHere {
  let served: Promise<ServedRun> | null = null;
  const close = async () => {
    const open = await served?.catch(() => null);
    served = null;
    await open?.trained.stop();
  };
  const serve = async (directory: string): Promise<ServedRun> => {
    const open = await served?.catch(() => null);
    if (open?.directory === directory) return open;
    await close();
    served = serveRun(context, directory, session);
    return served;
  };
  return {
    close,
    async continueFrom(request, options) {
      const open = await serve(request.directory);
      try {
        return await continueFrom(open, request, options);
      } catch (error) {
        // The server may be gone: the next call starts another one.
        if (error instanceof EnvironmentError && !options.signal.aborted) await close();
        throw error;
      }
    },
  };
}

async function serveRun(context: CommandContext, directory: string, session: Session): Promise<ServedRun> {
  const trained = await openTrainedRun(context, directory, { ...session, model: "policy" });
  try {
    const { recipe, server } = trained;
    const record = await readRunRecord(directory);
    const run = await openRun({
      ...{ ...session, recipe, server, run: readOnlyRun(directory, record, null) },
      cache: readOnlyCache(directoryStageCache({ directory: cacheDirectory(context) })),
      dataset: await readPreferenceDataset(recipe.data),
      rewardFunctions: await createRewardFunctions(recipe.reward, context.environment),
      // For training and evaluation alone.
      ...{ judges: [], algorithm: null, pool: null, cutFunction: null },
    });
    const reward = await rewardStage(run, await sftStage(run));
    const scorer = scorerOf(run, reward, recipe.policy.kind === "online" ? recipe.policy : {});
    return { directory, trained, run, scorer, policy: null };
  } catch (error) {
    await trained.stop();
    throw error;
  }
}

async function continueFrom(served: ServedRun, request: ResetHereRequest, call: CallOptions): Promise<ResetHereResult> {
  const { run, scorer } = served;
  const { recipe, server } = run;
  const { endTokenIds } = run.tokenizerInfo;
  const { prompt, prefix, sourceId, number, seed } = request;
  const maxNewTokens = tokensLeft(run, request);
  const { iteration, handle } = await loadPolicy(served, request.policy, call);
  const temperature = request.temperature ?? recipe.policy.sampling.temperature;
  const goesOn = recipe.policy.kind === "online" && !recipe.policy.stopAtEndOfSequence;
  const rollouts = await collectRollouts(
    server.sampler,
    [{ row: 0, prompt, prefix, sourceId, maxNewTokens }],
    {
      policy: handle,
      params: { ...recipe.policy.sampling, temperature, stopTokenIds: goesOn ? [] : endTokenIds },
      noise: { seed, purpose: "sample", iteration: 0 },
      continuations: number,
    },
    call,
  );
  const scored = await scorer.score(rollouts, call);
  const [promptText = ""] = await server.tokenizer.detokenize([prompt], call);
  const responses = [prefix, ...rollouts.map(({ generated }) => [...prefix, ...withoutEnd(generated, endTokenIds)])];
  const [prefixText = "", ...texts] = await server.tokenizer.detokenize(responses, { ...call, continues: true });
  return {
    ...{ iteration, promptText, temperature },
    continuations: scored.map(({ score, generated, finishReason }, i) => ({
      ...{ text: withoutPrefix(texts[i]!, prefixText), tokens: generated.length, finishReason, score },
    })),
  };
}

const withoutPrefix = (text: string, prefix: string): string =>
  text.startsWith(prefix) ? text.slice(prefix.length) : text;

/** As the reset sampler counts. @throws BadInputError if there are none, or the response has ended */
function tokensLeft({ recipe, tokenizerInfo, longestRow }: OpenRun, { prompt, prefix }: ResetHereRequest): number {
  if (isEnded(prefix, tokenizerInfo.endTokenIds)) {
    throw new BadInputError("The response has ended here. Choose an earlier token.");
  }
  const budget = recipe.response.maxTokens;
  const countsPrefix = recipe.policy.kind !== "online" || recipe.policy.reset.prefixCountsInBudget;
  const left = Math.min(countsPrefix ? budget - prefix.length : budget, longestRow - prompt.length - prefix.length);
  if (left >= 1) return left;
  throw new BadInputError(
    `After ${prefix.length} tokens nothing is left of the response's budget of ${budget}. Choose an earlier token.`,
  );
}

/** The policy as the run's journal has it now, frozen. */
async function loadPolicy(
  served: ServedRun,
  which: ResetHereRequest["policy"],
  call: CallOptions,
): Promise<{ readonly iteration: number; readonly handle: ModelHandle }> {
  const commit = lastCommitOf((await readJournal(runPaths(served.directory).journal)).entries);
  const { iteration, checkpoint } = chosen(commit, which);
  if (served.policy?.manifestHash !== checkpoint.manifestHash) {
    await served.trained.seeCheckpoints();
    const { models, sampler } = served.trained.server;
    const wanted = [{ savedName: "policy", name: "policy", trainable: false }];
    const [handle] = await models.restoreCheckpoint(checkpoint, wanted, {
      ...call,
      base: served.trained.recipe.model.base,
    });
    await sampler.syncWeights(handle!, call);
    served.policy = { manifestHash: checkpoint.manifestHash, handle: handle! };
  }
  return { iteration, handle: served.policy.handle };
}

/** @throws BadInputError before the first commit */
function chosen(
  commit: Commit | null,
  which: ResetHereRequest["policy"],
): { readonly iteration: number; readonly checkpoint: Commit["checkpoint"] } {
  if (commit === null) throw new BadInputError("The run has no policy yet: nothing is committed.");
  return which === "best" && commit.best ? commit.best : commit;
}
