import type { ModelHandle } from "../../domain/model.js";
import type { TokenIds } from "../../domain/token-ids.js";
import type { TokenizedGroup } from "../../domain/tokenized-dataset.js";
import type { Sampler, SamplingParams } from "../../ports/sampler.js";
import type { TokenizerInfo } from "../../ports/tokenizer.js";
import { collectRollouts } from "../collect-rollouts.js";
import type { PolicyModels } from "../algorithms/algorithm.js";
import type { ResetSource } from "./reset-source.js";

/**
 * Responses that a policy writes for the purpose, from the prompts of the data: by the frozen SFT policy that is PPO++
 * (Chang et al. 2023, arXiv 2306.11816; Remark 5.1), by the policy itself a reset into fresh rollouts, by a guide its
 * prefixes. The whole response is written and then cut, so that every selector has the same to work on.
 */
export function livePolicySource({
  sampler,
  prompts,
  writer,
  params,
  tokenizerInfo: { vocabularySize, endTokenIds, eosTokenId },
  budget,
  seed,
}: {
  readonly sampler: Sampler;
  readonly prompts: readonly TokenizedGroup[];
  readonly writer: (models: PolicyModels) => ModelHandle;
  readonly params: SamplingParams;
  /** Of the policy's base. A guide may know more tokens, and end its responses with others. */
  readonly tokenizerInfo: Pick<TokenizerInfo, "vocabularySize" | "endTokenIds" | "eosTokenId">;
  /** H, tokens. */
  readonly budget: number;
  readonly seed: number;
}): ResetSource {
  /** What the writer wrote, in tokens of the policy. */
  const inTokensOfPolicy = (written: TokenIds): TokenIds => {
    const ends = params.stopTokenIds.filter((token) => !endTokenIds.includes(token));
    const stop = written.findIndex((token) => token >= vocabularySize || ends.includes(token));
    if (stop === -1) return written;
    return ends.includes(written[stop]!) ? [...written.slice(0, stop), eosTokenId] : written.slice(0, stop);
  };
  return {
    open: () =>
      Promise.resolve((random) => {
        const { prompt, id } = prompts[random.integer(0, prompts.length - 1)]!;
        return { prompt, id, response: null };
      }),
    async write(candidates, { iteration, models }, options) {
      const starts = candidates.map(({ row, prompt }) => ({
        ...{ row, prompt, prefix: [], sourceId: null, maxNewTokens: budget },
      }));
      const noise = { seed, purpose: "reset-source", iteration } as const;
      const written = await collectRollouts(sampler, starts, { policy: writer(models), params, noise }, options);
      return written.map(({ generated }) => inTokensOfPolicy(generated));
    },
  };
}
