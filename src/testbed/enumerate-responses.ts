import type { TokenIds } from "../domain/token-ids.js";

/** Natural log-probability of every next token in a state. */
export type ExactPolicy = (context: TokenIds) => readonly number[];

/** A tree of responses small enough to visit whole. */
export interface ResponseTree {
  /** State s_h that responses start from: a prompt, or a prompt and a prefix. */
  readonly context: TokenIds;
  /** Tokens of a response at most. */
  readonly maxNewTokens: number;
  /** Ends a response; null: every response has maxNewTokens. */
  readonly eosTokenId: number | null;
}

export interface ExactResponse {
  /** Generated tokens, the end-of-sequence token included. */
  readonly tokens: TokenIds;
  /** context + tokens. */
  readonly row: TokenIds;
  /** Natural log-probability of the whole response. */
  readonly logprob: number;
}

/** Every response that the policy can write, with its probability; these sum to one. */
export function* enumerateResponses(policy: ExactPolicy, tree: ResponseTree): Generator<ExactResponse> {
  yield* extend(policy, tree, [], 0);
}

function* extend(policy: ExactPolicy, tree: ResponseTree, tokens: TokenIds, logprob: number): Generator<ExactResponse> {
  const row = [...tree.context, ...tokens];
  if (tokens.length === tree.maxNewTokens || tokens.at(-1) === tree.eosTokenId) {
    yield { tokens, row, logprob };
    return;
  }
  for (const [token, tokenLogprob] of policy(row).entries()) {
    if (tokenLogprob === -Infinity) continue;
    yield* extend(policy, tree, [...tokens, token], logprob + tokenLogprob);
  }
}
