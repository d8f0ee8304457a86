import type { Recipe } from "./recipe.js";

/** A recipe as a person wrote it. */
type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

/**
 * What a compat mode sets. Each line is a row of the table "What the released code does" (docs/algorithms.md): an option of
 * the recipe that has the released code's value. An option that the recipe sets to something else is refused.
 */
const PRESETS: Readonly<Record<Exclude<(Recipe["policy"] & { kind: "online" })["compat"], "none">, JsonObject>> = {
  "drpo-2024": {
    // Resets: human references, cut by Uniform{1..len-1}, len = min(tokens + EOS, budget), the prefix inside the budget.
    "reset.source.kind": "dataset",
    "reset.source.field": "reference",
    "reset.selector.kind": "uniform",
    "reset.selector.law": "released",
    "reset.prefixCountsInBudget": true,
    "reset.endOfSequenceCounts": true,
    "reset.condition": null,
    "reset.continuations": 1,
    "reset.lossOnPrefix.kind": "none",
    // Rollouts: temperature 0.7, always the whole budget, whatever comes after the first end of sequence included.
    "sampling.temperature": 0.7,
    "sampling.topP": 1,
    "sampling.topK": 0,
    stopAtEndOfSequence: false,
    // Scores: -1 without an end of sequence, or with one that is the budget's last token.
    missingEosScore: -1,
    endMustPrecedeLast: true,
    // Signal: prefixes in everything but the policy loss; both whitenings for each rank of 128 rows.
    klPlacement: "reward",
    adaptiveKl: null,
    targetKl: null,
    maxImportanceWeight: null,
    "algorithm.kind": "ppo",
    "algorithm.prefixInSignal": true,
    "algorithm.whitenRewards": true,
    "algorithm.whitenAdvantages": true,
    "algorithm.rowsPerWhitening": 128,
    // Losses: means over micro-batches of 4 rows; half the squared value error, clipped at 0.2.
    lossMean: "tokens",
    "algorithm.minibatches": 1,
    "algorithm.rowsPerMean": 4,
    "algorithm.valueClipRange": 0.2,
    // Optimiser: PyTorch's AdamW with eps 1e-5 and its default weight decay.
    "optimizer.epsilon": 1e-5,
    "optimizer.weightDecay": 0.01,
    "algorithm.criticOptimizer.epsilon": 1e-5,
    "algorithm.criticOptimizer.weightDecay": 0.01,
  },
};

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const valueAt = (value: Json, keys: readonly string[]): Json =>
  keys.reduce<Json>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

function withValue(value: Json, [key, ...rest]: readonly string[], leaf: Json): Json {
  if (key === undefined) return leaf;
  const object = isObject(value) ? value : {};
  return { ...object, [key]: withValue(object[key], rest, leaf) };
}

/** The recipe with what its `policy.compat` stands for written out, and a line for each option that contradicts it. */
export function expandCompat(raw: Json): { readonly raw: Json; readonly problems: readonly string[] } {
  const mode = valueAt(raw, ["policy", "compat"]);
  const preset = typeof mode === "string" && Object.hasOwn(PRESETS, mode) ? PRESETS[mode as keyof typeof PRESETS] : {};
  const problems: string[] = [];
  let expanded = raw;
  for (const [path, wanted] of Object.entries(preset)) {
    const keys = ["policy", ...path.split(".")];
    const given = valueAt(raw, keys);
    if (given === undefined) expanded = withValue(expanded, keys, wanted);
    else if (given !== wanted) {
      problems.push(
        `policy.${path} is ${JSON.stringify(given)}, but policy.compat = ${JSON.stringify(mode)} means ` +
          `${JSON.stringify(wanted)}: leave one of them out`,
      );
    }
  }
  return { raw: expanded, problems };
}
