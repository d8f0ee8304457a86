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
    "policy.kind": "online",
    // Resets: human references, cut by Uniform{1..len-1}, len = min(tokens + EOS, budget), the prefix inside the budget.
    "policy.reset.source.kind": "dataset",
    "policy.reset.source.field": "reference",
    "policy.reset.selector.kind": "uniform",
    "policy.reset.selector.law": "released",
    "policy.reset.prefixCountsInBudget": true,
    "policy.reset.endOfSequenceCounts": true,
    "policy.reset.condition": null,
    "policy.reset.continuations": 1,
    "policy.reset.lossOnPrefix.kind": "none",
    // Rollouts: temperature 0.7, always the whole budget, whatever comes after the first end of sequence included.
    "policy.sampling.temperature": 0.7,
    "policy.sampling.topP": 1,
    "policy.sampling.topK": 0,
    "policy.stopAtEndOfSequence": false,
    // Scores: as the reward model gives them; -1 without an end of sequence, or with one that is the budget's last token.
    "reward.normalise": false,
    "policy.missingEosScore": -1,
    "policy.endMustPrecedeLast": true,
    // Signal: prefixes in everything but the policy loss; both whitenings for each rank of 128 rows.
    "policy.klPlacement": "reward",
    "policy.adaptiveKl": null,
    "policy.targetKl": null,
    "policy.maxImportanceWeight": null,
    "policy.algorithm.kind": "ppo",
    "policy.algorithm.prefixInSignal": true,
    "policy.algorithm.whitenRewards": true,
    "policy.algorithm.whitenAdvantages": true,
    "policy.algorithm.rowsPerWhitening": 128,
    // Losses: means over micro-batches of 4 rows; half the squared value error, clipped at 0.2.
    "policy.lossMean": "tokens",
    "policy.algorithm.minibatches": 1,
    "policy.algorithm.rowsPerMean": 4,
    "policy.algorithm.valueClipRange": 0.2,
    // Optimiser: PyTorch's AdamW with eps 1e-5 and its default weight decay.
    "policy.optimizer.epsilon": 1e-5,
    "policy.optimizer.weightDecay": 0.01,
    "policy.algorithm.criticOptimizer.epsilon": 1e-5,
    "policy.algorithm.criticOptimizer.weightDecay": 0.01,
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
  // Sections of another kind than the preset's: what else it sets there is none of their keys.
  const others: string[] = [];
  let expanded = raw;
  for (const [path, wanted] of Object.entries(preset)) {
    // A weighted sum has units for each of its terms: they are left to the recipe.
    if (path === "reward.normalise" && valueAt(raw, ["reward", "terms"]) !== undefined) continue;
    if (others.some((section) => path.startsWith(section))) continue;
    const keys = path.split(".");
    const given = valueAt(raw, keys);
    if (given === undefined) expanded = withValue(expanded, keys, wanted);
    else if (given !== wanted) {
      problems.push(
        `${path} is ${JSON.stringify(given)}, but policy.compat = ${JSON.stringify(mode)} means ` +
          `${JSON.stringify(wanted)}: leave one of them out`,
      );
      if (keys.at(-1) === "kind") others.push(path.slice(0, -"kind".length));
    }
  }
  return { raw: expanded, problems };
}
