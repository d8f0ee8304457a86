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
  score: { title: "Score", unit: "SFT standard deviations" },
  scoreStd: { title: "Spread of scores", unit: "standard deviation" },
  kl: { title: "KL to SFT", unit: "nats a response" },
  klK3: { title: "KL to SFT, k3", unit: "nats a response" },
  loss: { title: "Loss", unit: "" },
  accuracy: { title: "Accuracy", unit: "share of training pairs" },
  entropy: { title: "Entropy", unit: "nats a token" },
  policyLoss: { title: "Policy loss", unit: "" },
  valueLoss: { title: "Value loss", unit: "" },
  explainedVariance: { title: "Explained variance", unit: "of returns, by the critic" },
  clipShare: { title: "Clipped", unit: "share of tokens" },
  approxKl: { title: "KL to the policy before the update", unit: "nats a token" },
  responseTokens: { title: "Response length", unit: "tokens" },
  prefixTokens: { title: "Reset prefix", unit: "tokens" },
  endedShare: { title: "Ends by itself", unit: "share of responses" },
  distinctShare: { title: "Distinct responses", unit: "share" },
  gradientNorm: { title: "Gradient norm", unit: "before clipping" },
  criticGradientNorm: { title: "Gradient norm of the critic", unit: "before clipping" },
  learningRate: { title: "Learning rate", unit: "" },
  samplerTrainerGap: { title: "Sampler against trainer", unit: "mean |difference|, nats a token" },
};

const ORDER: readonly string[] = Object.keys(LABELS);

/** The label of a metric; one that nobody has described is called by its name: "meanFoo" -> "Mean foo". */
export function metricLabel(stage: string, name: string): MetricLabel {
  return LABELS[`${stage}.${name}`] ?? LABELS[name] ?? { title: words(name), unit: "" };
}

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
