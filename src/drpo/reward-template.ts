import { withoutEnd } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { Tokenizer } from "../ports/tokenizer.js";

/** Turns a prompt and a response, in token ids, into the row that the reward model reads. */
export type RewardTemplate = (prompt: TokenIds, response: TokenIds) => TokenIds;

/**
 * Tokenises the literal parts of a template once; prompt and response go in as token ids and are never re-tokenised.
 * The end token of a response is left out: the template says what follows.
 * @param template text with {response} once, and {prompt} at most once before it
 */
export async function rewardTemplate(
  tokenizer: Tokenizer,
  template: string,
  endTokenIds: readonly number[],
): Promise<RewardTemplate> {
  const parts = template.split(/(\{prompt\}|\{response\})/).filter((part) => part !== "");
  const literals = parts.filter((part) => part !== "{prompt}" && part !== "{response}");
  const tokenized = literals.length === 0 ? [] : await tokenizer.tokenize(literals);
  const tokensOf = new Map(literals.map((literal, i) => [literal, tokenized[i]!]));
  return (prompt, response) => {
    const text = withoutEnd(response, endTokenIds);
    return parts.flatMap((part) => {
      if (part === "{prompt}") return prompt;
      return part === "{response}" ? text : tokensOf.get(part)!;
    });
  };
}
