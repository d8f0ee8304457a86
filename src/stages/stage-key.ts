import { createHash } from "node:crypto";
import type { OpenRun } from "./run-context.js";

/** Changed when a stage's code changes what it computes from the same inputs. */
const STAGE_VERSION = 2;

/**
 * The content hash of a stage's output: everything that it depends on, and nothing else.
 * @param inputs options of the stage, its seed, and the keys of the stages that it builds on
 * @returns SHA-256, hexadecimal
 */
export async function stageKey(run: OpenRun, stage: string, inputs: unknown): Promise<string> {
  const { engine, device } = await run.server.models.serverInfo(run.call);
  const { baseHash, tokenizerHash, templateReadsClock } = run.tokenizerInfo;
  const { shape } = run.recipe.model;
  const dtype = run.recipe.server.kind === "local" ? run.recipe.server.dtype : null;
  const everything = {
    ...{ version: STAGE_VERSION, stage, engine, device, dtype, baseHash, tokenizerHash, shape },
    ...{ data: run.dataset.hash, inputs },
    // Other options decide which rows every model can read.
    ...(run.leftOut.length > 0 ? { leftOut: run.leftOut.toSorted() } : {}),
    // Elsewhere the dataset and the tokenizer decide them.
    ...(templateReadsClock ? { prompts: hashOfPrompts(run) } : {}),
  };
  return createHash("sha256").update(canonicalJson(everything)).digest("hex");
}

function hashOfPrompts({ data }: OpenRun): string {
  const digest = createHash("sha256");
  for (const { prompt } of [...data.train, ...data.heldOut]) digest.update(`${prompt.join(" ")}\n`);
  return digest.digest("hex");
}

/** JSON whose keys are sorted, so that equal values have equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
