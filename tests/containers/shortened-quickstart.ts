/** What makes an hour's worth of the quickstart's recipe a minute's; everything else in it stays. */
export const SHORTENED: readonly string[] = [
  "sft.maxResponses=32",
  "reward.maxResponses=64",
  "reward.scaleRollouts=16",
  "policy.iterations=2",
  "policy.validation.every=2",
  "policy.validation.rollouts=16",
  "evaluation.rollouts=16",
  "evaluation.heldOutResponses=16",
].flatMap((setting) => ["--set", setting]);
