import { pathsOf, type DataOptions } from "../config/data.js";
import type { ChatMessage, PreferenceGroup, RatedResponse } from "../domain/preference-dataset.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";
import { BadInputError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Tokenizer } from "../ports/tokenizer.js";

/**
 * Groups in token ids: conversations through the base's chat template, prompts no longer than the recipe allows, responses
 * with their end of sequence.
 * @throws BadInputError if the base has no chat template for a conversation, or a prompt is too long
 */
export async function tokenizeGroups(
  groups: readonly PreferenceGroup[],
  {
    tokenizer,
    eosTokenId,
    data,
  }: { readonly tokenizer: Tokenizer; readonly eosTokenId: number; readonly data: DataOptions },
  call: CallOptions,
): Promise<readonly TokenizedGroup[]> {
  const promptTexts = await textsOf(groups, tokenizer, data, call);
  const prompts = await tokenizer.tokenize(promptTexts, call);
  const responses = await tokenizer.tokenize(
    groups.flatMap((group) =>
      [...group.responses, ...(group.reference ? [group.reference] : [])].map(({ text }) => text),
    ),
    call,
  );
  let next = 0;
  return groups.map(({ id, responses: rated, reference }, i) => {
    const prompt = limitedPrompt(prompts[i]!, id, data);
    // In the order in which they were sent.
    const withTokens = ({ id, rating }: RatedResponse): TokenizedResponse => ({
      ...{ id, prompt, rating },
      response: [...responses[next++]!, eosTokenId],
    });
    return {
      ...{ id, promptText: promptTexts[i]!, prompt },
      responses: rated.map(withTokens),
      reference: reference && withTokens(reference),
    };
  });
}

/** The text of each group's prompt; [groups]. */
async function textsOf(
  groups: readonly PreferenceGroup[],
  tokenizer: Tokenizer,
  data: DataOptions,
  call: CallOptions,
): Promise<readonly string[]> {
  const chats = groups.flatMap(({ prompt }) => (typeof prompt === "string" ? [] : [prompt]));
  if (chats.length === 0) return groups.map(({ prompt }) => prompt as string);
  const texts = await templated(chats, tokenizer, data, call);
  let next = 0;
  return groups.map(({ prompt }) => (typeof prompt === "string" ? prompt : texts[next++]!));
}

async function templated(
  chats: readonly (readonly ChatMessage[])[],
  tokenizer: Tokenizer,
  data: DataOptions,
  call: CallOptions,
): Promise<readonly string[]> {
  try {
    return (await tokenizer.applyChatTemplate(chats, { ...call, now: new Date(0) })).map(({ text }) => text);
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    const paths = [...pathsOf(data.path), ...pathsOf(data.references?.path ?? [])].join(", ");
    throw new BadInputError(
      `data.path: prompts of ${paths} are conversations, and the base cannot turn them into text. Take a base with a chat ` +
        `template that fits them, or data whose prompts are text (data.layout "pairs"). ${cause.message}`,
      { cause },
    );
  }
}

function limitedPrompt(prompt: TokenIds, id: string, { maxPromptTokens, truncatePrompt }: DataOptions): TokenIds {
  if (maxPromptTokens === undefined || prompt.length <= maxPromptTokens) return prompt;
  if (truncatePrompt === "left") return prompt.slice(-maxPromptTokens);
  throw new BadInputError(
    `The prompt of ${id} has ${prompt.length} tokens, more than data.maxPromptTokens = ${maxPromptTokens}. Set ` +
      `data.truncatePrompt to "left" to keep its last ${maxPromptTokens}, or raise data.maxPromptTokens.`,
  );
}
