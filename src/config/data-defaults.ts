type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Defaults where the data are pairs; the schemas have those of rated data. SFT must not imitate rejected responses, and a
 * pair is a whole group: one group a gradient, as for long ranked lists, would be one comparison a step.
 */
const FOR_PAIRS = {
  sft: { field: "preferred" },
  rewardModel: { groupSize: 2, groupsPerBatch: 32 },
} as const;

/** The recipe as it was written, with the defaults that depend on `data.kind` written out where it leaves them open. */
export function withDataDefaults(raw: unknown): unknown {
  if (!isObject(raw) || !isObject(raw["data"]) || raw["data"]["kind"] !== "pairs") return raw;
  const { sft, reward, evaluation } = raw;
  return { ...raw, sft: sftOnPairs(sft), reward: rewardOnPairs(reward), evaluation: judgedOnPairs(evaluation) };
}

/** A threshold on ratings chooses among all responses, so a recipe that has one means them all. */
const sftOnPairs = (sft: unknown): unknown =>
  isObject(sft) && sft["kind"] === "train" && sft["minRating"] === undefined ? { ...FOR_PAIRS.sft, ...sft } : sft;

function rewardOnPairs(reward: unknown): unknown {
  if (!isObject(reward)) return reward;
  if (reward["kind"] === "train") return { ...FOR_PAIRS.rewardModel, ...reward };
  return Array.isArray(reward["terms"]) ? { ...reward, terms: reward["terms"].map(rewardWithin) } : reward;
}

/** Judges that are reward models learn from the run's own held-out pairs. */
const judgedOnPairs = (evaluation: unknown): unknown =>
  isObject(evaluation) && Array.isArray(evaluation["judges"])
    ? { ...evaluation, judges: evaluation["judges"].map(rewardWithin) }
    : evaluation;

/** A term of a sum, or a judge, whose reward may be trained. */
const rewardWithin = (holder: unknown): unknown =>
  isObject(holder) && isObject(holder["reward"]) ? { ...holder, reward: rewardOnPairs(holder["reward"]) } : holder;
