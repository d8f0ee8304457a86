import { EnvironmentError } from "../errors.js";
import type { MemoryPlan } from "../ports/memory-plan.js";
import { plannedMemory } from "./planned-memory.js";
import type { OpenRun } from "./run-context.js";
import { greatest } from "../math/extremes.js";

/**
 * Asks the server what the recipe will need, before it loads anything.
 * @throws EnvironmentError with all that is needed, if it does not fit
 */
export async function refuseTooLittleMemory(run: OpenRun): Promise<void> {
  const plan = await run.server.models.planMemory(plannedMemory(run), run.call);
  if (!plan.fits) throw new EnvironmentError(tooLittle(plan));
  if (plan.items.length > 0) {
    run.progress.note(`memory: about ${gib(plan.totalBytes)} of ${gib(plan.availableBytes)} will be needed`);
  }
}

const tooLittle = (plan: MemoryPlan): string =>
  [
    `The model server has too little memory for this recipe: it needs ${gib(plan.totalBytes)} at once, ` +
      `${gib(plan.availableBytes)} are available. Nothing was loaded.`,
    ...table(plan),
    `${plan.advice} In a recipe: server.tokenBudget, server.dtype, server.processes, server.activationCheckpointing; ` +
      "response.maxTokens, data.maxPromptTokens; model.shape (rank, lastBlocks).",
  ].join("\n");

function table({ items, totalBytes, availableBytes }: MemoryPlan): readonly string[] {
  const rows = [
    ...items.map(({ kind, owner, bytes }) => [kind, owner, gib(bytes)] as const),
    ["at once", "activations and KV cache take turns", gib(totalBytes)] as const,
    ["available", "", gib(availableBytes)] as const,
  ];
  const width = (column: 0 | 1 | 2) => greatest(rows.map((row) => row[column].length));
  const widths = [width(0), width(1), width(2)] as const;
  return rows.map(
    ([kind, owner, size]) => `  ${kind.padEnd(widths[0])}  ${owner.padEnd(widths[1])}  ${size.padStart(widths[2])}`,
  );
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
