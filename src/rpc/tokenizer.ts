import type { TokenIds } from "../domain/token-ids.js";
import { EnvironmentError } from "../errors.js";
import type { Tokenizer } from "../ports/tokenizer.js";
import { TokenizerServiceDefinition as service } from "../proto-gen/drpo/v1/tokenizer_service.js";
import type { Caller } from "./caller.js";
import { describeMethod } from "./method.js";
import { splitRows } from "./split-rows.js";

const getTokenizerInfo = describeMethod(service, service.methods.getTokenizerInfo);
const tokenize = describeMethod(service, service.methods.tokenize);
const detokenize = describeMethod(service, service.methods.detokenize);

/** The Tokenizer port over TokenizerService. @param base folder of the base, on the server. */
export const createTokenizer = (caller: Caller, base: string): Tokenizer => ({
  async info(options) {
    const { eosTokenId, vocabularySize, contextTokens, tokenizerHash, baseHash } = await caller.unary(
      getTokenizerInfo,
      { base },
      options,
    );
    return { eosTokenId, vocabularySize, contextTokens, tokenizerHash, baseHash };
  },

  async tokenize(texts, options) {
    const { tokenIds, lengths } = await caller.unary(tokenize, { base, texts }, options);
    return splitRows(tokenIds, lengths, texts.length, tokenize.rpc);
  },

  async detokenize(rows: readonly TokenIds[], options) {
    const { texts } = await caller.unary(
      detokenize,
      { base, tokenIds: rows.flat(), lengths: rows.map((row) => row.length), skipSpecialTokens: true },
      options,
    );
    if (texts.length !== rows.length) {
      throw new EnvironmentError(
        `${detokenize.rpc}: the server answered ${texts.length} texts for ${rows.length} rows.`,
      );
    }
    return texts;
  },
});
