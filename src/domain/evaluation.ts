import type { ScoreScale } from "./model.js";

/** A mean with its 95 % interval, by bootstrap over responses (accuracy: over held-out sentences). */
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
}

/** One response of each model to the same prompt under the same noise. */
export interface ExamplePair {
  readonly prompt: string;
  readonly sft: { readonly text: string; readonly score: number };
  readonly policy: { readonly text: string; readonly score: number };
}

/** evaluation.json. */
export interface Evaluation {
  /** Share of held-out pairs that the scores order as people did; null where nobody ranked held-out responses. */
  readonly rewardAccuracy: Metric | null;
  readonly sft: ModelEvaluation;
  readonly policy: ModelEvaluation;
  /** Policy against SFT, paired by prompt and noise. */
  readonly difference: {
    readonly score: Metric;
    /** Share of pairs that the judge gives to the policy; a tie counts one half. */
    readonly judgeWinRate: Metric;
  };
  readonly judge: string;
  /** What scores were normalised by; mean 0 and deviation 1 where they are in the reward's own units. */
  readonly scoreScale: ScoreScale;
  /** Iteration whose checkpoint was evaluated. */
  readonly bestIteration: number;
  readonly examples: readonly ExamplePair[];
}
