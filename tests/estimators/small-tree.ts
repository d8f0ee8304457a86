/**
 * A problem small enough to be written out by hand: two words and an end of sequence, three tokens at most. Nothing here
 * uses the code under test.
 */

export const EOS = 2;
export const BUDGET = 3;
export const PROMPT = [0];
export const KL_COEF = 0.3;

type Context = readonly number[];

/** The tree has few states, and each is asked about many thousand times. */
function remembered<T>(compute: (context: Context) => T): (context: Context) => T {
  const known = new Map<string, T>();
  return (context) => {
    const key = context.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const value = compute(context);
    known.set(key, value);
    return value;
  };
}

export const logitsOf = remembered((context): number[] =>
  [0, 1, 2].map(
    (token) => 0.9 * Math.sin(1 + token + context.reduce((sum, other, i) => sum + (other + 2) * (i + 1), 0)),
  ),
);

export const referenceLogitsOf = remembered((context): number[] =>
  [0, 1, 2].map((token) => 0.7 * Math.cos(token * 2 + context.length + context.reduce((sum, other) => sum + other, 0))),
);

const logSoftmax = (logits: readonly number[]): number[] => {
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - total);
};
export const logPolicy = remembered((context) => logSoftmax(logitsOf(context)));
export const logReference = remembered((context) => logSoftmax(referenceLogitsOf(context)));

/** r of a whole row, prompt included. */
export const scoreOf = (row: Context): number =>
  row.slice(PROMPT.length).reduce((sum, token, t) => sum + (token === 1 ? 1 + t : token === EOS ? 0.5 : -0.6), 0);

/** What can be written from a state, and how likely that is. */
export interface Written {
  readonly tokens: readonly number[];
  readonly probability: number;
}

const isOver = (context: Context) => context.length === PROMPT.length + BUDGET || context.at(-1) === EOS;

export function writtenFrom(context: Context, policy = logPolicy): Written[] {
  if (isOver(context)) return [{ tokens: [], probability: 1 }];
  return policy(context).flatMap((logprob, token) =>
    writtenFrom([...context, token], policy).map(({ tokens, probability }) => ({
      tokens: [token, ...tokens],
      probability: Math.exp(logprob) * probability,
    })),
  );
}

/** KL-shaped reward of a token that the policy chose in a state. */
const rewardOf = (context: Context, token: number, klCoef: number): number => {
  const next = [...context, token];
  const penalty = -klCoef * (logPolicy(context)[token]! - logReference(context)[token]!);
  return penalty + (isOver(next) ? scoreOf(next) : 0);
};

/** V of the policy, KL-shaped: the exact critic. */
export const valueOf = (context: Context, klCoef = KL_COEF): number => {
  const key = `${klCoef}: ${context.join()}`;
  const value = VALUES.get(key) ?? computeValue(context, klCoef);
  VALUES.set(key, value);
  return value;
};
const VALUES = new Map<string, number>();

const computeValue = (context: Context, klCoef: number): number =>
  isOver(context)
    ? 0
    : logPolicy(context).reduce(
        (sum, logprob, token) =>
          sum + Math.exp(logprob) * (rewardOf(context, token, klCoef) + valueOf([...context, token], klCoef)),
        0,
      );

/** Q of the policy without the KL: what is expected of the score once a token is chosen. */
export const scoreToExpect: (context: Context) => number = remembered((context): number =>
  isOver(context)
    ? scoreOf(context)
    : logPolicy(context).reduce(
        (sum, logprob, token) => sum + Math.exp(logprob) * scoreToExpect([...context, token]),
        0,
      ),
);

/** Sum of the KL-shaped rewards of what was written. */
export const returnOf = (context: Context, tokens: readonly number[], klCoef = KL_COEF): number =>
  tokens.reduce((sum, token, t) => sum + rewardOf([...context, ...tokens.slice(0, t)], token, klCoef), 0);

/** States in which a token can be chosen, in a fixed order, and the entries of a gradient: two of three logits each. */
export const STATES: readonly Context[] = [
  [],
  ...[0, 1].map((a) => [a]),
  ...[0, 1].flatMap((a) => [0, 1].map((b) => [a, b])),
].map((tokens) => [...PROMPT, ...tokens]);

/** A gradient by the policy's logits, written out: as the logits of a state sum to zero, the last of each is left out. */
export class Gradient {
  readonly entries = new Array<number>(STATES.length * 2).fill(0);

  /** Adds weight * d ln pi(token | context) / d logits. */
  addLogprob(context: Context, token: number, weight: number): void {
    const place = STATES.findIndex((state) => state.join() === context.join());
    const probabilities = logPolicy(context).map(Math.exp);
    for (const b of [0, 1]) this.entries[2 * place + b]! += weight * ((b === token ? 1 : 0) - probabilities[b]!);
  }

  /** Adds weight * d ln pi(tokens) / d logits. */
  addResponse(context: Context, tokens: readonly number[], weight: number | ((t: number) => number)): void {
    tokens.forEach((token, t) =>
      this.addLogprob([...context, ...tokens.slice(0, t)], token, typeof weight === "number" ? weight : weight(t)),
    );
  }

  add(other: Gradient, weight: number): void {
    other.entries.forEach((value, i) => (this.entries[i]! += weight * value));
  }
}
