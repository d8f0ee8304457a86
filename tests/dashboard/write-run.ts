import { mkdir } from "node:fs/promises";
import type { Recipe } from "../../src/config/recipe.js";
import type { RecordedRollout } from "../../src/domain/rollout.js";
import { type OpenRunDirectory, openRunDirectory } from "../../src/run/open-run-directory.js";
import { commit, recipe as smallRecipe } from "../run/run-fixtures.js";

const WORDS = ["a", "film", "so", "good", "that", "it", "hurts", "and", "never", "dull"];

/** A rollout that differs from the others: the first words are the prefix. */
export function someRollout(iteration: number, row: number): RecordedRollout {
  const length = 4 + ((iteration + 3 * row) % 6);
  const prefixLength = row % 3;
  const ids = Array.from({ length }, (_, i) => (iteration + row * 7 + i * 3) % WORDS.length);
  const generated = [...ids.slice(prefixLength), WORDS.length];
  const tokenTexts = [...ids.map((id, i) => (i === 0 ? WORDS[id]! : ` ${WORDS[id]}`)), ""];
  const samplerLogprobs = generated.map((id) => -0.2 - (id % 4) / 3);
  return {
    reset: {
      ...{ row, prompt: [1, 2, 3], prefix: ids.slice(0, prefixLength), maxNewTokens: 12 - prefixLength },
      sourceId: prefixLength === 0 ? null : `review-${row}`,
    },
    ...{ continuation: 0, generated, samplerLogprobs, finishReason: row % 4 === 3 ? "length" : "stop" },
    version: { generation: 1n, optimizerStep: BigInt(iteration), weightsHash: "ab" },
    score: Math.sin(iteration / 40) + row / 10,
    text: ids.map((id) => WORDS[id]).join(" "),
    tokenTexts,
    referenceLogprobs: samplerLogprobs.map((logprob, i) => logprob - Math.sin(i + row)),
  };
}

/** What a run appends in an iteration. */
export async function writeIteration(
  run: OpenRunDirectory,
  iteration: number,
  { rollouts = 6, validateEvery = 2 }: { readonly rollouts?: number; readonly validateEvery?: number } = {},
): Promise<void> {
  const progress = 1 - Math.exp(-iteration / 8);
  const metrics = {
    ...{
      score: progress + 0.2 * Math.sin(iteration * 1.7),
      kl: 6 * progress,
      policyLoss: 0.4 * Math.exp(-iteration / 5),
    },
    ...{
      entropy: 2 - progress,
      responseTokens: 12,
      learningRate: 1e-4,
      clipShare: 0.1,
      gradientNorm: 1 + (iteration % 3),
    },
  };
  await run.appendMetrics({ stage: "policy", iteration, metrics });
  await run.writeRollouts(
    iteration,
    Array.from({ length: rollouts }, (_, row) => someRollout(iteration, row)),
  );
  if (iteration % validateEvery === 0) {
    const validation = { score: progress, kl: 5 * progress, objective: 0.75 * progress, responseTokens: 11 };
    await run.appendMetrics({ stage: "validation", iteration, metrics: validation });
  }
  await run.commit(commit(iteration));
}

/** A run directory with so many iterations, still open. */
export async function writeRun(
  directory: string,
  { iterations, recipe = smallRecipe() }: { readonly iterations: number; readonly recipe?: Recipe },
): Promise<OpenRunDirectory> {
  await mkdir(directory, { recursive: true });
  const run = await openRunDirectory({ directory, recipe, resume: false });
  for (let iteration = 1; iteration <= iterations; iteration++) await writeIteration(run, iteration);
  return run;
}
