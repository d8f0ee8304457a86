import type { Recipe } from "../config/recipe.js";
import type { PreferenceDataset } from "../domain/preference-dataset.js";
import type { ResetPool } from "../domain/reset-pool.js";
import type { TokenizedDataset, TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";
import type { Algorithm } from "../drpo/algorithms/algorithm.js";
import type { CutFunction } from "../drpo/resets/function-cut.js";
import type { CallOptions } from "../ports/call-options.js";
import type { RewardJudgeOptions } from "../config/reward-judge.js";
import type { Judge } from "../ports/judge.js";
import type { ModelServer } from "../ports/model-server.js";
import type { Progress } from "../ports/progress.js";
import type { RewardFunction } from "../ports/reward-function.js";
import type { RunDirectory } from "../ports/run-directory.js";
import type { StageCache } from "../ports/stage-cache.js";
import type { TokenizerInfo } from "../ports/tokenizer.js";

/** A judge, or what makes one on the model server. */
export type JudgeSource = Judge | RewardJudgeOptions;

/** What `commands/` wires together for a run. */
export interface RunContext {
  readonly recipe: Recipe;
  readonly dataset: PreferenceDataset;
  /** What is evaluated on, where it is another dataset. */
  readonly evaluationDataset?: PreferenceDataset | null;
  readonly server: ModelServer;
  readonly run: RunDirectory;
  readonly cache: StageCache;
  /** Whom the evaluation asks, in the order of the recipe. */
  readonly judges: readonly JudgeSource[];
  /** How an online policy is updated; null where it is trained offline. */
  readonly algorithm: Algorithm | null;
  /** The pool that resets go into, where the recipe names one. */
  readonly pool: ResetPool | null;
  /** The user's function that says where responses are cut, where the recipe names one. */
  readonly cutFunction: CutFunction | null;
  /** Rewards that are no reward model, by their place in the recipe: "reward", "reward.terms[1].reward". */
  readonly rewardFunctions: ReadonlyMap<string, RewardFunction>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A run whose tokenizer and data are known: what the stages work with. */
export interface OpenRun extends RunContext {
  readonly tokenizerInfo: TokenizerInfo;
  readonly data: TokenizedDataset;
  /** Held-out groups to evaluate on. */
  readonly evaluationGroups: readonly TokenizedGroup[];
  /** The pool that resets go into, where the recipe names one. */
  readonly resetPool: readonly Pick<TokenizedResponse, "id" | "prompt" | "response">[] | null;
  /** Tokens of a prompt and a response together, so that every model can read them. */
  readonly longestRow: number;
  /** Ids of what is in no side of the data because a model could not read it. */
  readonly leftOut: readonly string[];
  /** Passed to every call. */
  readonly call: CallOptions;
}
