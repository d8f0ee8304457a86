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
      beginTokenIds: [],
      templateReadsClock: false,
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

  tokenize: unary(gate, "Tokenize", ({ base, texts }: TokenizeRequest): TokenizeResponse => {
    checkBase(base);
    const rows = texts.map(({ parts }) => tokenize(world, parts.map(({ text }) => text).join("")));
    return { tokenIds: rows.flat(), lengths: rows.map((row) => row.length) };
  }),

  detokenize: unary(gate, "Detokenize", (request: DetokenizeRequest): DetokenizeResponse => {
    checkBase(request.base);
    let start = 0;
    const texts = request.lengths.map((length) =>
      world.tokenizer.detokenize(request.tokenIds.slice(start, (start += length)), request),
    );
    if (start !== request.tokenIds.length) throw invalid("lengths do not fit the tokens");
    return { texts };
  }),

  applyChatTemplate: unary(
    gate,
    "ApplyChatTemplate",
    ({ base, chats, addGenerationPrompt }: ApplyChatTemplateRequest): ApplyChatTemplateResponse => {
      checkBase(base);
      const { chatTemplate } = world.options;
      if (chatTemplate === undefined) throw invalid(`base ${base} has no chat template`);
      const texts = chats.map(({ messages }) => chatTemplate(messages, addGenerationPrompt));
      const rows = texts.map((text) => tokenize(world, text));
      return { texts, tokenIds: rows.flat(), lengths: rows.map((row) => row.length) };
    },
  ),
});

const tokenize = ({ tokenizer }: World, text: string) => {
  try {
    return tokenizer.tokenize(text);
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
};
