import { resetSchema, type ResetSpec } from "../../../src/config/reset.js";
import type { ResetPoint, ScoredRollout } from "../../../src/domain/rollout.js";
import type { CutRequest, SelectorMemory } from "../../../src/drpo/resets/prefix-selector.js";
import { datasetSource } from "../../../src/drpo/resets/dataset-source.js";
import { createResetSampler, type ResetSampler } from "../../../src/drpo/resets/reset-sampler.js";
import { uniformCut } from "../../../src/drpo/resets/uniform-cut.js";
import { Random } from "../../../src/math/random.js";

export const EOS = 9;

export const responseOf = (id: string, tokens: readonly number[]) => ({
  ...{ id, prompt: [1, 2], response: [...tokens, EOS], rating: 1 },
});

export const RESPONSES = [responseOf("short", [3]), responseOf("long", [3, 4, 5, 6, 7, 8])];

const version = { generation: 1n, optimizerStep: 0n, weightsHash: "" };
export const MODELS = {
  policy: { name: "policy", version },
  critic: null,
  reference: { name: "reference", version },
};

type Options = Parameters<typeof createResetSampler>[0];

/** A sampler over RESPONSES, cut by the released law, with whatever is changed. */
export const resetSampler = (
  spec: Partial<ResetSpec> = {},
  { rows = 100, ...options }: Partial<Omit<Options, "spec">> & { readonly rows?: number } = {},
): ResetSampler =>
  createResetSampler({
    spec: { ...resetSchema.parse({}), ...spec },
    source: datasetSource({ responses: RESPONSES, seed: 1 }),
    selector: uniformCut("released"),
    ...{ budget: 5, contextTokens: 100, endTokenIds: [EOS], iterations: 10, seed: 1 },
    rolloutsPerIteration: rows,
    ...options,
  });

export const draw = (
  sampler: ResetSampler,
  { iteration = 0, memory = {} }: { readonly iteration?: number; readonly memory?: SelectorMemory } = {},
): Promise<readonly ResetPoint[]> => sampler.draw({ iteration, models: MODELS }, memory);

/** A request to cut a response of `length` tokens. */
export const cutRequest = (length: number, changes: Partial<CutRequest> = {}): CutRequest => ({
  ...{ prompt: [1], response: Array.from({ length }, (_, i) => i), length, longest: length - 1 },
  ...{ id: "example", row: 0, iteration: 0, iterations: 10, random: new Random(1n) },
  ...changes,
});

/** A rollout from a reset point, with a score. */
export const scoredFrom = (reset: ResetPoint, score: number): ScoredRollout => ({
  ...{ reset, continuation: 0, generated: [EOS], samplerLogprobs: [-1], finishReason: "stop", version, score },
});

/** Pearson's statistic of counts against a uniform law. */
export function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
