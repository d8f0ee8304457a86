import type { DataOptions } from "../config/data.js";
import type { Text } from "../domain/text.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import type { OpenRun } from "./run-context.js";

/** Prompts that are text in token ids, with the begin tokens and the special tokens that the recipe wants. */
export function tokenizePrompts(
  prompts: readonly Text[],
  {
    tokenizer,
    data,
  }: { readonly tokenizer: Tokenizer; readonly data: Pick<DataOptions, "beginTokens" | "specialTokens"> },
  call: CallOptions,
): Promise<readonly TokenIds[]> {
  const texts = data.specialTokens === "tokens" ? prompts.map(asTemplate) : prompts;
  return tokenizer.tokenize(texts, { ...call, addBeginTokens: data.beginTokens === "auto" });
}

const asTemplate = (text: Text): Text =>
  (typeof text === "string" ? [{ text }] : text).map((part) => ({ text: part.text, specialTokens: true }));

/**
 * Prompts that others give as text. One of the run's data has its own tokens: the text of a conversation does not tell
 * which special tokens the chat template wrote, and which a message spells.
 */
export async function tokenizeKnownPrompts(
  {
    data,
    evaluationGroups,
    server: { tokenizer },
    recipe,
  }: Pick<OpenRun, "data" | "evaluationGroups" | "server" | "recipe">,
  texts: readonly string[],
  call: CallOptions,
): Promise<readonly TokenIds[]> {
  const groups = [...data.train, ...data.heldOut, ...evaluationGroups];
  const known = new Map(groups.map(({ promptText, prompt }) => [promptText, prompt]));
  const others = [...new Set(texts.filter((text) => !known.has(text)))];
  const tokens = await tokenizePrompts(others, { tokenizer, data: recipe.data }, call);
  others.forEach((text, i) => known.set(text, tokens[i]!));
  return texts.map((text) => known.get(text)!);
}

/** The begin tokens of a prompt, if it has them, and the last of its other tokens; at most `count` in all. */
export function shortenPrompt(prompt: TokenIds, count: number, beginTokens: TokenIds): TokenIds {
  if (prompt.length <= count) return prompt;
  const kept = beginTokens.every((token, i) => prompt[i] === token) ? beginTokens.slice(0, count) : [];
  return [...kept, ...prompt.slice(prompt.length - (count - kept.length))];
}
