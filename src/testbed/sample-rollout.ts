import type { FinishReason } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import { uniform } from "../math/noise.js";
import type { SamplingParams } from "../ports/sampler.js";
import { logSoftmax } from "./softmax.js";
import type { Table } from "./table.js";

/** Tokens that may be drawn: the topK likeliest, then the smallest set of them with probability topP. */
const allowedTokens = (logprobs: readonly number[], { topK, topP }: SamplingParams): ReadonlySet<number> => {
  const likeliest = logprobs
    .map((logprob, token) => ({ token, probability: Math.exp(logprob) }))
    .sort((a, b) => b.probability - a.probability || a.token - b.token)
    .slice(0, topK === 0 ? undefined : topK);
  const allowed = new Set<number>();
  let covered = 0;
  for (const { token, probability } of likeliest) {
    if (covered >= topP && allowed.size > 0) break;
    allowed.add(token);
    covered += probability;
  }
  return allowed;
};

/** Inverse of the cumulative distribution, tokens in the order of their ids. @param noise uniform in [0, 1). */
export const drawToken = (logprobs: readonly number[], params: SamplingParams, noise: number): number => {
  const isCut = params.topK > 0 || params.topP < 1;
  const allowed = isCut ? allowedTokens(logprobs, params) : null;
  const probabilities = logprobs.map((logprob, token) => (!allowed || allowed.has(token) ? Math.exp(logprob) : 0));
  const wanted = noise * probabilities.reduce((sum, probability) => sum + probability, 0);
  let covered = 0;
  const drawn = probabilities.findIndex((probability) => (covered += probability) > wanted);
  return drawn === -1 ? probabilities.findLastIndex((probability) => probability > 0) : drawn;
};

/**
 * Continues a context until a stop token or `maxNewTokens`.
 * @param seed with a token's position in the response it decides the token: arrival order never does
 */
export const sampleRollout = (
  table: Table,
  context: { readonly tokens: TokenIds; readonly maxNewTokens: number; readonly firstPosition: number },
  seed: bigint,
  params: SamplingParams,
): { readonly tokens: number[]; readonly logprobs: number[]; readonly finishReason: FinishReason } => {
  const row = [...context.tokens];
  const [tokens, logprobs]: [number[], number[]] = [[], []];
  while (tokens.length < context.maxNewTokens) {
    const distribution = logSoftmax(table.read(row), params.temperature);
    const token = drawToken(distribution, params, uniform(seed, context.firstPosition + tokens.length));
    row.push(token);
    tokens.push(token);
    logprobs.push(distribution[token] as number);
    if (params.stopTokenIds.includes(token)) return { tokens, logprobs, finishReason: "stop" };
  }
  return { tokens, logprobs, finishReason: "length" };
};
