import type { RewardJudgeOptions } from "../config/reward-judge.js";
import { rewardModelScores } from "../drpo/raw-scores.js";
import type { RewardTemplate } from "../drpo/reward-template.js";
import type { Comparison, Judge, JudgeCallOptions, Verdict } from "../ports/judge.js";
import type { ResponseInTokens } from "../ports/reward-function.js";
import { obtainRewardModel } from "./reward-model.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";
import { shortenPrompt, tokenizeKnownPrompts } from "./tokenize-prompts.js";

/**
 * A second reward model as a judge: one's own, or trained on the held-out responses alone, so that it shares no data with
 * the run's. It reads texts, as every judge does: a response that the budget cut off is read as if it ended there.
 */
export async function rewardJudge(run: OpenRun, { name, reward }: RewardJudgeOptions, sft: SftOutput): Promise<Judge> {
  const stage = `judge-${name}`;
  const { model, template } = await obtainRewardModel(run, {
    ...{ options: reward, name: stage, where: `The judge ${name}`, stage, groups: run.data.heldOut, sft },
  });
  const score = rewardModelScores({ rewardModel: run.server.rewardModel, model, template });
  return {
    name,
    async compare(comparisons, { signal, onProgress }: JudgeCallOptions = {}) {
      const responses = await inTokens(run, template, comparisons, signal);
      const scores = await score(responses, { signal, onProgress: (done) => onProgress?.(Math.floor(done / 2)) });
      return comparisons.map((_, i) => ({ verdict: verdictOf(scores[2 * i]!, scores[2 * i + 1]!), answers: [] }));
    },
  };
}

/** The two responses of each comparison, after as much of its prompt as fits and the recipe allows; [2 comparisons]. */
async function inTokens(
  run: OpenRun,
  template: RewardTemplate,
  comparisons: readonly Comparison[],
  signal: AbortSignal | undefined,
): Promise<readonly ResponseInTokens[]> {
  if (comparisons.length === 0) return [];
  const { recipe, tokenizerInfo } = run;
  const { tokenizer } = run.server;
  const call = { signal };
  const { contextTokens } = tokenizerInfo;
  const budget = Math.max(contextTokens - template([], []).length, 0);
  const prompts = await tokenizeKnownPrompts(
    run,
    comparisons.map(({ prompt }) => prompt),
    call,
  );
  const texts = await tokenizer.tokenize(
    comparisons.flatMap(({ first, second }) => [first, second]),
    { ...call, continues: true },
  );
  return texts.map((tokens, i) => {
    // A response of a run with a larger budget may not fit even by itself: its beginning is judged.
    const response = [...tokens.slice(0, budget), tokenizerInfo.eosTokenId];
    const room = contextTokens - template([], response).length;
    const longest = Math.max(Math.min(room, recipe.data.maxPromptTokens ?? Infinity), 0);
    const prompt = shortenPrompt(prompts[Math.floor(i / 2)]!, longest, tokenizerInfo.beginTokenIds);
    return { prompt, response, ended: true, sourceId: null };
  });
}

function verdictOf(first: number, second: number): Verdict {
  if (first === second) return "tie";
  return first > second ? "first" : "second";
}
