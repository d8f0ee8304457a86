/** How a metric of metrics.jsonl is called in the report. */
export interface MetricLabel {
  readonly title: string;
  readonly unit: string;
}

/** Known metrics, in the order in which they are shown; a stage's own label goes before the general one. */
const LABELS: Readonly<Record<string, MetricLabel>> = {
  "validation.kl": { title: "KL to SFT", unit: "nats a response" },
  "policy.kl": { title: "KL to SFT, from the reset on", unit: "nats a response" },
  objective: { title: "Objective", unit: "score \u2212 klCoef \u00b7 KL" },
  score: { title: "Score", unit: "SFT standard deviations, or the reward's own unit" },
  scoreStd: { title: "Spread of scores", unit: "standard deviation, in units of the score" },
  kl: { title: "KL to SFT", unit: "nats a response" },
  klK3: { title: "KL to SFT, k3", unit: "nats a response" },
  loss: { title: "Loss", unit: "" },
  accuracy: { title: "Accuracy", unit: "share of training pairs" },
  margin: { title: "Margin, preferred over rejected", unit: "beta \u00b7 nats a response" },
  preferredLogRatio: { title: "Log-ratio to SFT of preferred responses", unit: "nats a response" },
  rejectedLogRatio: { title: "Log-ratio to SFT of rejected responses", unit: "nats a response" },
  entropy: { title: "Entropy", unit: "nats a token" },
  policyLoss: { title: "Policy loss", unit: "" },
  klLoss: { title: "KL term of the loss", unit: "nats, averaged like the loss" },
  prefixLoss: { title: "Cross-entropy of prefixes", unit: "nats a token" },
  valueLoss: { title: "Value loss", unit: "" },
  explainedVariance: { title: "Explained variance", unit: "of returns, by the critic" },
  clipShare: { title: "Ratio outside the clip range", unit: "share of tokens" },
  approxKl: { title: "KL from the policy before the update", unit: "nats a token" },
  klCoef: { title: "KL coefficient", unit: "score a nat" },
  steps: { title: "Optimiser steps", unit: "an iteration" },
  "policy.responseTokens": { title: "Response length, prefix included", unit: "tokens" },
  responseTokens: { title: "Response length", unit: "tokens" },
  prefixTokens: { title: "Reset prefix", unit: "tokens, 0 without one" },
  resetShare: { title: "Starts from a reset", unit: "share of rollouts" },
  generatedTokens: { title: "Generated", unit: "tokens an iteration" },
  endedShare: { title: "Ends by itself", unit: "share of responses" },
  distinctShare: { title: "Distinct responses", unit: "share" },
  gradientNorm: { title: "Gradient norm", unit: "before clipping" },
  criticGradientNorm: { title: "Gradient norm of the critic", unit: "before clipping" },
  learningRate: { title: "Learning rate", unit: "" },
  samplerTrainerGap: { title: "Sampler against trainer", unit: "mean |difference|, nats a token" },
  samplerTrainerGapMax: { title: "Sampler against trainer, at most", unit: "largest |difference|, nats" },
  importanceWeight: { title: "Importance weight", unit: "mean over generated tokens" },
};

const ORDER: readonly string[] = Object.keys(LABELS);

/** What somebody has said of a metric: null for one that goes by its name, as those of a user's algorithm do. */
export function describedLabel(stage: string, name: string): MetricLabel | null {
  const key = [`${stage}.${name}`, name].find((one) => Object.hasOwn(LABELS, one));
  return key === undefined ? null : LABELS[key]!;
}

/** The label of a metric; one that nobody has described is called by its name: "meanFoo" -> "Mean foo". */
export const metricLabel = (stage: string, name: string): MetricLabel =>
  describedLabel(stage, name) ?? { title: words(name), unit: "" };

/** Known metrics first, then the others by name. */
export function inReadingOrder(names: readonly string[]): readonly string[] {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

function words(name: string): string {
  const text = name
    .replace(/[_-]+/g, " ")
    .replace(/([a-z0-9])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
