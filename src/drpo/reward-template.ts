import { withoutEnd } from "../domain/rollout.js";
import type { Text } from "../domain/text.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { Tokenizer } from "../ports/tokenizer.js";

/** Turns a prompt and a response, in token ids, into the row that the reward model reads. */
export type RewardTemplate = (prompt: TokenIds, response: TokenIds) => TokenIds;

/**
 * Tokenises the literal parts of a template once, whose special tokens are tokens; prompt and response go in as token ids
 * and are never re-tokenised. The end token of a response is left out: the template says what follows.
 * @param template text with {response} once, and {prompt} at most once before it
 * @param beginTokens what a row begins with, once, be it with the prompt or with the template
 */
export async function rewardTemplate(
  tokenizer: Tokenizer,
  template: string,
  endTokenIds: readonly number[],
  beginTokens: TokenIds = [],
): Promise<RewardTemplate> {
  const parts = template.split(/(\{prompt\}|\{response\})/).filter((part) => part !== "");
  const [first = "", ...later] = parts;
  const literals = later.filter((part) => !isField(part));
  const [beginning = []] = isField(first)
    ? [beginTokens]
    : await tokenizer.tokenize([asTemplate(first)], { addBeginTokens: beginTokens.length > 0 });
  const tokenized =
    literals.length === 0 ? [] : await tokenizer.tokenize(literals.map(asTemplate), { continues: true });
  const tokensOf = new Map(literals.map((literal, i) => [literal, tokenized[i]!]));
  const withoutBegin = (prompt: TokenIds): TokenIds =>
    beginTokens.every((token, i) => prompt[i] === token) ? prompt.slice(beginTokens.length) : prompt;
  return (prompt, response) => {
    const text = withoutEnd(response, endTokenIds);
    // A prompt at the beginning has the begin tokens that it should have.
    const opening = first === "{prompt}" ? prompt : [...beginning, ...(first === "{response}" ? text : [])];
    return [
      ...opening,
      ...later.flatMap((part) => {
        if (part === "{prompt}") return withoutBegin(prompt);
        return part === "{response}" ? text : tokensOf.get(part)!;
      }),
    ];
  };
}

const isField = (part: string): boolean => part === "{prompt}" || part === "{response}";

const asTemplate = (text: string): Text => [{ text, specialTokens: true }];
