import type { OnlineOptions } from "./policy.js";
import type { Recipe } from "./recipe.js";
import { resetConflicts } from "./reset-conflicts.js";
import { rewardConflicts } from "./reward-conflicts.js";
import { samplerConflicts } from "./sampler-conflicts.js";

/** A line for each pair of options that are right by themselves but not together. */
export function conflicts({ server, model, sft, reward, policy }: Recipe): readonly string[] {
  const lines = [
    ...(policy.kind === "online" ? onlineConflicts(policy) : []),
    ...rewardConflicts({ model, reward }),
    ...samplerConflicts(server),
  ];
  if (server.kind === "local" && server.processes > 1 && server.device.includes(":")) {
    lines.push(
      `server.device is "${server.device}" and server.processes is ${server.processes}: say ` +
        `"${server.device.replace(/:.*/, "")}", and each process takes its own`,
    );
  }
  if (sft.kind === "train" && sft.minRating !== undefined && sft.field !== "any") {
    lines.push(
      `sft.minRating is ${sft.minRating} and sft.field is "${sft.field}": a threshold chooses among all responses; ` +
        'set field to "any"',
    );
  }
  if (model.shape.kind === "full" && sft.kind === "adapter") {
    lines.push('sft.kind is "adapter", but model.shape.kind is "full": an adapter needs "lora"');
  }
  return lines;
}

function onlineConflicts(policy: OnlineOptions): readonly string[] {
  const { rolloutsPerIteration, reset, iterations, checkpointEvery, klPlacement, klCoef, adaptiveKl } = policy;
  const lines = [...resetConflicts(reset)];
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
  if (adaptiveKl && klCoef === 0) {
    lines.push("policy.klCoef is 0 and policy.adaptiveKl is set: it multiplies klCoef, which must be above 0 to adapt");
  }
  if (klPlacement === "loss" && policy.algorithm.kind === "npg") {
    lines.push('policy.klPlacement is "loss": npg has the KL in its closed form; leave it out');
  }
  return lines;
}
