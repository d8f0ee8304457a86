import type { TextPart } from "../domain/text.js";
import type { TokenIds } from "../domain/token-ids.js";
import type {
  ApplyChatTemplateRequest,
  ApplyChatTemplateResponse,
  CompareTokenizersRequest,
  CompareTokenizersResponse,
  DetokenizeRequest,
  DetokenizeResponse,
  GetTokenizerInfoRequest,
  GetTokenizerInfoResponse,
  TokenizeRequest,
  TokenizeResponse,
  TokenizerServiceServer,
} from "../proto-gen/drpo/v1/tokenizer_service.js";
import { checkBase } from "./check-base.js";
import { type Gate, unary } from "./handlers.js";
import { invalid } from "./service-error.js";
import type { World } from "./world.js";

/** TokenizerService on the testbed's vocabulary. */
export const tokenizerService = (world: World, gate: Gate): TokenizerServiceServer => ({
  getTokenizerInfo: unary(gate, "GetTokenizerInfo", ({ base }: GetTokenizerInfoRequest): GetTokenizerInfoResponse => {
    checkBase(base);
    const { eosTokenId, vocabularySize, hash } = world.tokenizer;
    return {
      eosTokenId,
      vocabularySize,
      contextTokens: world.options.contextTokens,
      tokenizerHash: hash,
      baseHash: hash,
      vocabularyHash: hash,
      endTokenIds: [eosTokenId, ...(world.options.otherEndTokenIds?.(base) ?? [])],
      beginTokenIds: beginTokens(world),
      templateReadsClock: world.options.templateReadsClock ?? false,
    };
  }),

  compareTokenizers: unary(
    gate,
    "CompareTokenizers",
    ({ base, other }: CompareTokenizersRequest): CompareTokenizersResponse => {
      checkBase(base);
      return { difference: world.options.differences?.[other] ?? "" };
    },
  ),

  // No word has a space put before it: texts that continue others read as those that do not.
  tokenize: unary(gate, "Tokenize", ({ base, texts, continues, addBeginTokens }: TokenizeRequest): TokenizeResponse => {
    checkBase(base);
    if (continues && addBeginTokens) throw invalid("texts that continue another have no beginning");
    const begin = addBeginTokens ? beginTokens(world) : [];
    const rows = texts.map(({ parts }) => {
      const row = tokenize(world, parts);
      return begin.every((token, i) => row[i] === token) ? row : [...begin, ...row];
    });
    return { tokenIds: rows.flat(), lengths: rows.map((row) => row.length) };
  }),

  detokenize: unary(gate, "Detokenize", (request: DetokenizeRequest): DetokenizeResponse => {
    checkBase(request.base);
    let start = 0;
    const left = request.skipSpecialTokens ? beginTokens(world) : [];
    const texts = request.lengths.map((length) => {
      const row = request.tokenIds.slice(start, (start += length));
      return world.tokenizer.detokenize(
        row.filter((token) => !left.includes(token)),
        request,
      );
    });
    if (start !== request.tokenIds.length) throw invalid("lengths do not fit the tokens");
    return { texts };
  }),

  applyChatTemplate: unary(
    gate,
    "ApplyChatTemplate",
    ({ base, chats, addGenerationPrompt, nowUnixSeconds }: ApplyChatTemplateRequest): ApplyChatTemplateResponse => {
      checkBase(base);
      const { chatTemplate } = world.options;
      if (chatTemplate === undefined) throw invalid(`base ${base} has no chat template`);
      const end = world.options.vocabulary.at(-1)!;
      const now = new Date(Number(nowUnixSeconds) * 1000);
      const written = chats.map(({ messages }) => {
        const guarded = messages.map(({ role, content }) => ({ role, content: content.replaceAll(end, SPELLED_END) }));
        // Template, a message's spelled end of sequence, template, ...
        const parts = chatTemplate(guarded, addGenerationPrompt, now).split(SPELLED_END);
        return parts.flatMap((text, i) => [
          ...(i === 0 ? [] : [{ text: end, specialTokens: false }]),
          { text, specialTokens: true },
        ]);
      });
      const rows = written.map((parts) => tokenize(world, parts));
      return {
        texts: written.map((parts) => parts.map(({ text }) => text).join("")),
        tokenIds: rows.flat(),
        lengths: rows.map((row) => row.length),
      };
    },
  ),
});

/** In place of an end of sequence that a message spells, while the template has it. */
const SPELLED_END = "\uE000";

const beginTokens = (world: World): TokenIds => tokenize(world, world.options.beginTokens ?? "");

const tokenize = ({ tokenizer }: World, text: string | readonly TextPart[]): TokenIds => {
  try {
    return tokenizer.tokenize(text);
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
};
