import type { TokenIds } from "../../domain/token-ids.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import type { SampleContext, SamplingParams } from "../../ports/sampler.js";
import { lastTokens, Table } from "../table.js";
import { lengthPolicy, type ResponseLengths } from "./length-policy.js";
import { createStateSampler } from "./state-sampler.js";

/** The rows of an iteration. */
export interface FleetWorkload {
  readonly seed: number;
  readonly prompts: number;
  readonly continuations: number;
  /** Tokens of the shortest and the longest prompt; uniform between them. */
  readonly promptTokens: readonly [number, number];
  readonly lengths: ResponseLengths;
  /** Longest response, prefix included, tokens. */
  readonly budget: number;
  /** Share of prompts that are reset into a response of the data, at a uniform place. */
  readonly resetProportion: number;
}

export const samplingParams = (eosTokenId: number): SamplingParams => ({
  ...{ temperature: 1, topP: 1, topK: 0 },
  stopTokenIds: [eosTokenId],
});

/** What is sampled in an iteration: a pure function of both, for whoever needs to know it. */
export const drawContexts = (workload: FleetWorkload): ((iteration: number) => SampleContext[]) => {
  const { seed, prompts, continuations, budget } = workload;
  const draw = promptDrawer(workload);
  return (iteration) =>
    Array.from({ length: prompts }, (_, row) => {
      const { prompt, prefix } = draw(new Random(seedAt(seed, "reset", iteration, row)));
      const seeds = Array.from({ length: continuations }, (_, i) => seedAt(seed, "rollout", iteration, row, i));
      const first = { maxNewTokens: budget - prefix.length, firstPosition: prefix.length };
      return { tokens: [...prompt, ...prefix], ...first, seeds };
    });
};

const promptDrawer = ({ lengths, promptTokens: [shortest, longest], budget, resetProportion }: FleetWorkload) => {
  const { world, eosTokenId, kinds, drawPrompt } = lengthPolicy(lengths);
  const initial = new Table(lastTokens(1, (state) => world.logits!(state, { base: "", model: "" })));
  const writeReference = createStateSampler(initial, samplingParams(eosTokenId));
  return (random: Random): { readonly prompt: TokenIds; readonly prefix: TokenIds } => {
    const prompt = drawPrompt(random.integer(0, kinds - 1), random.integer(shortest, longest), random);
    if (!random.bernoulli(resetProportion)) return { prompt, prefix: [] };
    const seed = BigInt(Math.floor(random.next() * 2 ** 52));
    const { tokens } = writeReference({ tokens: prompt, maxNewTokens: budget, firstPosition: 0, seed });
    return { prompt, prefix: tokens.slice(0, random.integer(0, tokens.length - 1)) };
  };
};
