import { metricLabel } from "./metric-labels.js";

/** How pages call a stage, and what they say of its metrics. */
export interface StageLabel {
  readonly title: string;
  /** "" where there is nothing to say. */
  readonly note: string;
  /** What its metrics are counted by. */
  readonly xName: "iteration" | "batch";
  /** The iterations of the policy stage. */
  readonly isPolicyTime: boolean;
}

const STAGES: Readonly<Record<string, StageLabel>> = {
  validation: {
    title: "Validation",
    note: "Short evaluations during training: sampled from the prompt, always under the same noise. The best objective names the checkpoint that is reported.",
    xName: "iteration",
    isPolicyTime: true,
  },
  policy: {
    title: "Policy training",
    note: "Each iteration's own rollouts. Those that start from a reset begin inside a response that people rated, so that their scores and lengths are not those of the policy alone: see the validation for these.",
    xName: "iteration",
    isPolicyTime: true,
  },
  reward: { title: "Reward model", note: "Each batch before its optimiser step.", xName: "batch", isPolicyTime: false },
  sft: {
    title: "Supervised fine-tuning",
    note: "Each batch before its optimiser step.",
    xName: "batch",
    isPolicyTime: false,
  },
};

/** A stage that is not known here, such as a judge's, is called as it is written. */
export const stageLabel = (stage: string): StageLabel =>
  STAGES[stage] ?? { title: metricLabel("", stage).title, note: "", xName: "iteration", isPolicyTime: false };
