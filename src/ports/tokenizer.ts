import type { ChatMessage } from "../domain/preference-dataset.js";
import type { Text } from "../domain/text.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

export interface TokenizerInfo {
  /** The token that ends the responses of the data; the first of `endTokenIds`. */
  readonly eosTokenId: number;
  /** Every token that ends a response; at least one. */
  readonly endTokenIds: readonly number[];
  /** Special tokens that the tokenizer puts before a text; often one (BOS) or none. */
  readonly beginTokenIds: TokenIds;
  /** Token ids that the base has an embedding for: 0 to vocabularySize - 1. */
  readonly vocabularySize: number;
  /** Longest row that the base accepts, tokens. */
  readonly contextTokens: number;
  /** Of everything that decides what the tokenizer makes of a text or a chat. */
  readonly tokenizerHash: string;
  /** Of what maps text to ids, without chat templates: equal where two models mean the same by a token id. */
  readonly vocabularyHash: string;
  /** Of everything that decides what the base computes and where responses end. */
  readonly baseHash: string;
  /** The chat template writes the current date or time. */
  readonly templateReadsClock: boolean;
}

export type { Text, TextPart } from "../domain/text.js";

export interface TokenizeOptions extends CallOptions {
  /** The texts go on from other text: nothing is put before their first word, neither a space nor begin tokens. */
  readonly continues?: boolean | undefined;
  /** Put the tokenizer's begin tokens before each text that does not begin with them. */
  readonly addBeginTokens?: boolean | undefined;
}

export interface DetokenizeOptions extends CallOptions {
  /** The rows go on from other tokens: a space before the first word is kept. */
  readonly continues?: boolean | undefined;
  /** Leave special tokens out of the texts; the default. */
  readonly skipSpecialTokens?: boolean | undefined;
}

export interface ChatTemplateOptions extends CallOptions {
  /** End with the marker that opens the assistant's turn; the default. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** The time for templates that write it. */
  readonly now: Date;
}

/** A conversation as the base's chat template writes it. */
export interface TemplatedChat {
  readonly text: string;
  readonly tokens: TokenIds;
}

/** The tokenizer of the run's base. */
export interface Tokenizer {
  /** Of another base, where one is named by its folder on the server. */
  info(options?: CallOptions & { readonly base?: string | undefined }): Promise<TokenizerInfo>;
  /**
   * Why another model or adapter cannot be given the base's token ids, and what to do, in words: "token 17 is ...". Empty:
   * it means the same by them.
   * @param folder on the server
   * @throws BadInputError if there is neither in the folder
   */
  differenceOf(folder: string, options?: CallOptions): Promise<string>;
  tokenize(texts: readonly Text[], options?: TokenizeOptions): Promise<readonly TokenIds[]>;
  detokenize(rows: readonly TokenIds[], options?: DetokenizeOptions): Promise<readonly string[]>;
  /**
   * What the base's chat template makes of each conversation; [chats]. Special tokens in messages are ordinary text.
   * @throws BadInputError if the base has no chat template, or it refuses the messages
   */
  applyChatTemplate(
    chats: readonly (readonly ChatMessage[])[],
    options: ChatTemplateOptions,
  ): Promise<readonly TemplatedChat[]>;
}
