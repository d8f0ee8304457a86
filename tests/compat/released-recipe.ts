/** A recipe as a person writes it who wants what the released code does, on a base of a few thousand weights. */
export const releasedRecipe = ({ base, data }: { readonly base: string; readonly data: string }) => ({
  name: "released",
  model: { base, shape: { kind: "lora", rank: 2, alpha: 4 } },
  data: { kind: "pairs", path: data },
  response: { maxTokens: 8 },
  sft: { kind: "train", field: "reference", epochs: 20, batchSize: 6, optimizer: { learningRate: 0.03 } },
  reward: {
    // The released reward model reads a response at its end of sequence.
    ...{ kind: "train", template: "{prompt}{response}<eos>", epochs: 20, groupsPerBatch: 9 },
    optimizer: { learningRate: 0.02 },
  },
  policy: {
    ...{ compat: "drpo-2024", iterations: 2, rolloutsPerIteration: 256 },
    reset: { proportion: 0.75 },
    algorithm: { criticOptimizer: { learningRate: 0.03, maxGradientNorm: 0 } },
    optimizer: { learningRate: 0.01, maxGradientNorm: 0 },
    validation: { every: 2, rollouts: 4 },
  },
  evaluation: {
    ...{ rollouts: 2, heldOutResponses: 2, bootstrapResamples: 100, examples: 0 },
    judges: [{ kind: "lexicon" }],
  },
});
