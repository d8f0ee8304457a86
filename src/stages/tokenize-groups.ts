import { pathsOf, type DataOptions } from "../config/data.js";
import type { ChatMessage, PreferenceGroup, Prompt, RatedResponse } from "../domain/preference-dataset.js";
import type { TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";
import { BadInputError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { TemplatedChat, Tokenizer } from "../ports/tokenizer.js";
import { shortenPrompt, tokenizePrompts } from "./tokenize-prompts.js";

/** How a dataset is read. */
interface Reading {
  readonly tokenizer: Tokenizer;
  readonly eosTokenId: number;
  readonly data: DataOptions;
  /** For chat templates that write the time: of the run, so that a resumed one reads the same. */
  readonly now: Date;
}

/**
 * Groups in token ids: conversations through the base's chat template, prompts shortened where the recipe says so, responses
 * as they go on from a prompt, with their end of sequence.
 * @throws BadInputError if the base has no chat template for a conversation
 */
export async function tokenizeGroups(
  groups: readonly PreferenceGroup[],
  reading: Reading,
  call: CallOptions,
): Promise<readonly TokenizedGroup[]> {
  const { tokenizer, eosTokenId } = reading;
  const prompts = await promptsOf(groups, reading, call);
  const responses = await tokenizer.tokenize(
    groups.flatMap((group) =>
      [...group.responses, ...(group.reference ? [group.reference] : [])].map(({ text }) => text),
    ),
    { ...call, continues: true },
  );
  let next = 0;
  return groups.map(({ id, responses: rated, reference }, i) => {
    const { text: promptText, tokens: prompt } = prompts[i]!;
    // In the order in which they were sent.
    const withTokens = ({ id, rating }: RatedResponse): TokenizedResponse => ({
      ...{ id, prompt, rating },
      response: [...responses[next++]!, eosTokenId],
    });
    return {
      ...{ id, promptText, prompt },
      responses: rated.map(withTokens),
      reference: reference && withTokens(reference),
    };
  });
}

const isText = (prompt: Prompt): prompt is string => typeof prompt === "string";

/** Each group's prompt: its whole text, and its tokens, shortened where the recipe says so; [groups]. */
async function promptsOf(
  groups: readonly PreferenceGroup[],
  reading: Reading,
  call: CallOptions,
): Promise<readonly TemplatedChat[]> {
  const texts = groups.filter(({ prompt }) => isText(prompt));
  const chats = groups.filter(({ prompt }) => !isText(prompt));
  const tokens = await tokenizePrompts(
    texts.map(({ prompt, promptParts }) => promptParts ?? (prompt as string)),
    reading,
    call,
  );
  const shortened = await shortenPrompts(tokens, reading, call);
  const written = await templated(chats, reading, call);
  const prompts = new Map<PreferenceGroup, TemplatedChat>();
  texts.forEach((group, i) => prompts.set(group, { text: group.prompt as string, tokens: shortened[i]! }));
  chats.forEach((group, i) => prompts.set(group, written[i]!));
  return groups.map((group) => prompts.get(group)!);
}

async function shortenPrompts(
  prompts: readonly TemplatedChat["tokens"][],
  { tokenizer, data }: Reading,
  call: CallOptions,
): Promise<readonly TemplatedChat["tokens"][]> {
  const { maxPromptTokens = Infinity, truncatePrompt } = data;
  if (truncatePrompt === "refuse" || prompts.every(({ length }) => length <= maxPromptTokens)) return prompts;
  const { beginTokenIds } = await tokenizer.info(call);
  return prompts.map((prompt) => shortenPrompt(prompt, maxPromptTokens, beginTokenIds));
}

/** Conversations by the chat template: the whole text, and the tokens of as many of the newest turns as may stay. */
async function templated(
  groups: readonly PreferenceGroup[],
  reading: Reading,
  call: CallOptions,
): Promise<readonly TemplatedChat[]> {
  const { maxPromptTokens = Infinity, truncatePrompt } = reading.data;
  const chats = groups.map(({ id, where = id, prompt }) => ({ id: where, messages: prompt as readonly ChatMessage[] }));
  const prompts = [...(await applyTemplate(chats, reading, call))];
  if (truncatePrompt === "refuse") return prompts;
  for (;;) {
    const shorter = chats.flatMap(({ id, messages }, i) => {
      if (prompts[i]!.tokens.length <= maxPromptTokens) return [];
      const fewer = withoutOldestTurn(messages);
      return fewer ? [{ i, id, messages: fewer }] : [];
    });
    if (shorter.length === 0) return prompts;
    const written = await applyTemplate(shorter, reading, call);
    shorter.forEach(({ i, id, messages }, k) => {
      chats[i] = { id, messages };
      prompts[i] = { text: prompts[i]!.text, tokens: written[k]!.tokens };
    });
  }
}

/** The system prompt stays, and what is left begins with a message of the user. Null: there is one turn only. */
function withoutOldestTurn(messages: readonly ChatMessage[]): readonly ChatMessage[] | null {
  const first = messages.findIndex(({ role }) => role !== "system");
  const next = messages.findIndex(({ role }, i) => i > first && role === "user");
  return next === -1 ? null : [...messages.slice(0, first), ...messages.slice(next)];
}

type Chat = { readonly id: string; readonly messages: readonly ChatMessage[] };

async function applyTemplate(
  chats: readonly Chat[],
  reading: Reading,
  call: CallOptions,
): Promise<readonly TemplatedChat[]> {
  if (chats.length === 0) return [];
  const { tokenizer, data, now } = reading;
  const apply = (some: readonly Chat[]) =>
    tokenizer.applyChatTemplate(
      some.map(({ messages }) => messages),
      { ...call, now },
    );
  try {
    return await apply(chats);
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    const { id } = await firstRefused(chats, apply);
    const paths = [...pathsOf(data.path), ...pathsOf(data.references?.path ?? [])].join(", ");
    throw new BadInputError(
      `data.path: prompts of ${paths} are conversations, and the base cannot turn them into text (first: ${id}). Take a ` +
        `base with a chat template that fits them, or data whose prompts are text (data.layout "pairs"). ${cause.message}`,
      { cause },
    );
  }
}

/** The first conversation that the template refuses, of some of which it refuses one: the server counts within a call. */
async function firstRefused(chats: readonly Chat[], apply: (some: readonly Chat[]) => Promise<unknown>): Promise<Chat> {
  let suspects = chats;
  while (suspects.length > 1) {
    const half = suspects.slice(0, Math.ceil(suspects.length / 2));
    const isRefused = await apply(half).then(
      () => false,
      () => true,
    );
    suspects = isRefused ? half : suspects.slice(half.length);
  }
  return suspects[0]!;
}
