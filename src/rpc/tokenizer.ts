import PQueue from "p-queue";
import type { TextPart, Tokenizer } from "../ports/tokenizer.js";
import { TokenizerServiceDefinition as service } from "../proto-gen/drpo/v1/tokenizer_service.js";
import type { Caller } from "./caller.js";
import { checkLength } from "./check-length.js";
import { describeMethod } from "./method.js";
import { splitRows } from "./split-rows.js";

const getTokenizerInfo = describeMethod(service, service.methods.getTokenizerInfo);
const compareTokenizers = describeMethod(service, service.methods.compareTokenizers);
const tokenize = describeMethod(service, service.methods.tokenize);
const detokenize = describeMethod(service, service.methods.detokenize);
const applyChatTemplate = describeMethod(service, service.methods.applyChatTemplate);

/** Texts, rows or chats in one call: a large dataset is neither one large message nor one long silence. */
const ROWS_PER_CALL = 4096;
/** While the server works on one call, the next one travels. */
const CALLS_AT_ONCE = 2;

/** The Tokenizer port over TokenizerService. @param base folder of the base, on the server. */
export const createTokenizer = (caller: Caller, base: string): Tokenizer => ({
  info({ base: asked = base, ...options } = {}) {
    return caller.unary(getTokenizerInfo, { base: asked }, options);
  },

  async differenceOf(other, options) {
    return (await caller.unary(compareTokenizers, { base, other }, options)).difference;
  },

  tokenize: (all, { continues = false, addBeginTokens = false, ...options } = {}) =>
    inParts(all, async (part) => {
      const texts = part.map((text) => ({ parts: typeof text === "string" ? [asData(text)] : text }));
      const request = { base, texts, continues, addBeginTokens };
      const { tokenIds, lengths } = await caller.unary(tokenize, request, options);
      return splitRows(tokenIds, lengths, texts.length, tokenize.rpc);
    }),

  detokenize: (all, { continues = false, skipSpecialTokens = true, ...options } = {}) =>
    inParts(all, async (rows) => {
      const lengths = rows.map((row) => row.length);
      const request = { base, tokenIds: rows.flat(), lengths, skipSpecialTokens, continues };
      const { texts } = await caller.unary(detokenize, request, options);
      return checkLength(texts, rows.length, "texts", detokenize.rpc);
    }),

  applyChatTemplate: (all, { addGenerationPrompt = true, now, ...options }) =>
    inParts(all, async (part) => {
      const chats = part.map((messages) => ({ messages: [...messages] }));
      const nowUnixSeconds = BigInt(Math.floor(now.getTime() / 1000));
      const answer = await caller.unary(
        applyChatTemplate,
        { base, chats, addGenerationPrompt, nowUnixSeconds },
        options,
      );
      const tokens = splitRows(answer.tokenIds, answer.lengths, chats.length, applyChatTemplate.rpc);
      return checkLength(answer.texts, chats.length, "texts", applyChatTemplate.rpc).map((text, i) => ({
        text,
        tokens: tokens[i]!,
      }));
    }),
});

const asData = (text: string): TextPart => ({ text, specialTokens: false });

/** Asks for part after part, and gives the answers in the order of what was asked. */
async function inParts<In, Out>(
  all: readonly In[],
  ask: (part: readonly In[]) => Promise<readonly Out[]>,
): Promise<readonly Out[]> {
  const queue = new PQueue({ concurrency: CALLS_AT_ONCE });
  const parts = Array.from({ length: Math.ceil(all.length / ROWS_PER_CALL) }, (_, i) =>
    all.slice(i * ROWS_PER_CALL, (i + 1) * ROWS_PER_CALL),
  );
  try {
    return (await queue.addAll(parts.map((part) => () => ask(part)))).flat();
  } finally {
    queue.clear();
  }
}
