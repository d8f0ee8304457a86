import type { TokenIds } from "../domain/token-ids.js";
import type { ExactPolicy, ExactResponse, ResponseTree } from "./enumerate-responses.js";
import { expectedReturn } from "./expected-return.js";

/** ln pi(y), token by token. */
export const responseLogprob = (policy: ExactPolicy, context: TokenIds, tokens: TokenIds): number =>
  tokens.reduce((sum, token, i) => sum + (policy([...context, ...tokens.slice(0, i)])[token] as number), 0);

/** KL(pi || reference) over whole responses, nats, exactly: E_pi [ln pi(y) - ln reference(y)]. */
export const exactKl = (policy: ExactPolicy, reference: ExactPolicy, tree: ResponseTree): number =>
  expectedReturn(
    policy,
    tree,
    ({ tokens, logprob }: ExactResponse) => logprob - responseLogprob(reference, tree.context, tokens),
  );
