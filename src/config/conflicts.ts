import type { Recipe } from "./recipe.js";

/** A line for each pair of options that are right by themselves but not together. */
export function conflicts({ model, sft, reward, policy }: Recipe): readonly string[] {
  const { rolloutsPerIteration, reset, iterations, checkpointEvery } = policy;
  const lines: string[] = [];
  if (rolloutsPerIteration % reset.continuations !== 0) {
    lines.push(
      `policy.rolloutsPerIteration is ${rolloutsPerIteration} and policy.reset.continuations is ${reset.continuations}: ` +
        `the first must be a multiple of the second`,
    );
  }
  if (checkpointEvery > iterations) {
    lines.push(
      `policy.checkpointEvery is ${checkpointEvery} and policy.iterations is ${iterations}: nothing would be kept; lower the first`,
    );
  }
  if (model.shape.kind === "full") {
    for (const [key, stage] of Object.entries({ sft, reward })) {
      if (stage.kind === "adapter")
        lines.push(`${key}.kind is "adapter", but model.shape.kind is "full": an adapter needs "lora"`);
    }
  }
  return lines;
}
