import type { ScoreScale } from "./model.js";

/** A mean with its 95 % interval, by bootstrap over responses (accuracy: over held-out responses). */
export interface Metric {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** One model, always sampled from the prompt, without resets. */
export interface ModelEvaluation {
  /** Reward score r(x, y), in the units that scoreScale says. */
  readonly score: Metric;
  /** KL to SFT, nats a response: mean of sum (ln pi - ln pi_SFT). */
  readonly klK1: Metric;
  /** The same by the k3 estimator, which is never negative and varies less. */
  readonly klK3: Metric;
  readonly responseTokens: Metric;
  /** Share of responses that end by themselves. */
  readonly endedShare: Metric;
  /** Distinct responses over responses. */
  readonly distinctShare: Metric;
  /** Distinct n-grams of words over n-grams, over all responses (Li et al. 2016, arXiv 1510.03055); null if no response has n words. */
  readonly distinct1: Metric | null;
  readonly distinct2: Metric | null;
  /** F1 against each response's reference (Lin 2004); null where the data has none. */
  readonly rouge1: Metric | null;
  readonly rouge2: Metric | null;
  readonly rougeL: Metric | null;
}

/** ROUGE F1 of one response against its reference, 0 to 1. */
export interface Rouge {
  readonly rouge1: number;
  readonly rouge2: number;
  readonly rougeL: number;
}

/** A person's response to a held-out prompt: a line of evaluation/reference.jsonl. */
export interface EvaluatedReference {
  /** Row of the evaluation; the same row of each file answers the same prompt. */
  readonly row: number;
  /** Id of the prompt's group in the data. */
  readonly promptId: string;
  readonly prompt: string;
  readonly response: string;
  /** In the units that scoreScale says. */
  readonly score: number;
}

/** One response of a model: a line of evaluation/sft.jsonl and of evaluation/policy.jsonl. */
export interface EvaluatedResponse extends EvaluatedReference {
  readonly responseTokens: number;
  /** False if the budget cut it off. */
  readonly ended: boolean;
  /** sum over tokens of ln pi - ln pi_SFT, nats. */
  readonly klK1: number;
  /** sum over tokens of exp(-d) - 1 + d, where d = ln pi - ln pi_SFT. */
  readonly klK3: number;
  /** Null where the row has no reference. */
  readonly rouge: Rouge | null;
}

/** Whose responses are judged: the policy's against every opponent, SFT's against references (Table 1 of the paper). */
export type JudgedModel = "policy" | "sft";

/** Against whose responses they are judged: "sft", "reference", or another run by its name. */
export type Opponent = string;

/** What one judge said of one row: a line of evaluation/verdicts.jsonl. */
export interface JudgedRow {
  readonly row: number;
  readonly judge: string;
  readonly of: JudgedModel;
  readonly against: Opponent;
  /** For `of`. Null where the judge gave no verdict that can be read. */
  readonly verdict: "win" | "loss" | "tie" | null;
  /** What it was asked and said, in the order of asking; empty for a judge that is not asked in words. */
  readonly answers: readonly JudgeAnswer[];
}

/** One answer of a judge that is asked in words. */
export interface JudgeAnswer {
  /** Which response stood first: that of the row's `of` is its own. */
  readonly first: "own" | "opponent";
  readonly preferred: "own" | "opponent" | "tie" | null;
  readonly text: string;
}

export interface WinRate {
  readonly judge: string;
  readonly of: JudgedModel;
  readonly against: Opponent;
  /** Share of rows that `of` wins; a tie counts one half. Wilson interval. */
  readonly winRate: Metric;
  readonly ties: number;
  /** Rows without a verdict; not in `winRate`. */
  readonly unjudged: number;
}

/** How far two judges agree on the same rows. */
export interface JudgeAgreement {
  readonly judges: readonly [string, string];
  readonly of: JudgedModel;
  readonly against: Opponent;
  /** Share of rows with the same verdict. */
  readonly share: Metric;
  /** Cohen's kappa over the three verdicts (Cohen 1960); null if either judge always says the same. */
  readonly kappa: number | null;
}

/** What evaluation.json sums up, row by row: the files of evaluation/. */
export interface EvaluationRows {
  readonly policy: readonly EvaluatedResponse[];
  readonly sft: readonly EvaluatedResponse[];
  readonly reference: readonly EvaluatedReference[];
  readonly verdicts: readonly JudgedRow[];
}

/** evaluation.json. */
export interface Evaluation {
  /** Share of held-out pairs that the scores order as people did; null where nobody ranked held-out responses. */
  readonly rewardAccuracy: Metric | null;
  readonly sft: ModelEvaluation;
  readonly policy: ModelEvaluation;
  /** People's responses to the same prompts; null where the data has none. */
  readonly reference: { readonly score: Metric } | null;
  /** Policy against SFT, paired by prompt and noise. */
  readonly difference: {
    readonly score: Metric;
    /** The policy's win rate against SFT by the first judge; null where nobody judged that. */
    readonly judgeWinRate: Metric | null;
  };
  readonly winRates: readonly WinRate[];
  readonly agreement: readonly JudgeAgreement[];
  /** What scores were normalised by; mean 0 and deviation 1 where they are in the reward's own units. */
  readonly scoreScale: ScoreScale;
  /** Iteration whose checkpoint was evaluated. */
  readonly bestIteration: number;
  /** The section `evaluation` of the recipe as this was measured: `drpo evaluate` may have changed it. */
  readonly settings: Readonly<Record<string, unknown>>;
}
