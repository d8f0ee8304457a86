import type { CallOptions } from "../ports/call-options.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { BatchRow } from "../ports/trainer.js";

/** Ordinary text: log-probabilities of unlikely tokens differ more between engines than those that are sampled. */
const PROBE = [
  "The quick brown fox jumps over the lazy dog, and the dog does not mind. It has seen foxes before.",
  "In the beginning the policy was the reference; after one step of gradient descent it was not.",
];
/** Of each text. */
const MOST_TOKENS = 48;

/** What samplers and trainer are compared on. */
export async function readProbe(tokenizer: Tokenizer, options?: CallOptions): Promise<readonly BatchRow[]> {
  const [{ contextTokens }, rows] = await Promise.all([
    tokenizer.info(options),
    tokenizer.tokenize(PROBE, { ...options, addBeginTokens: true }),
  ]);
  return rows.map((row) => {
    const tokens = row.slice(0, Math.min(MOST_TOKENS, contextTokens));
    return { tokens, spanStart: 1, spanLength: tokens.length - 1 };
  });
}
