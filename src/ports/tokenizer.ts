import type { ChatMessage } from "../domain/preference-dataset.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

export interface TokenizerInfo {
  readonly eosTokenId: number;
  readonly vocabularySize: number;
  /** Longest row that the base accepts, tokens. */
  readonly contextTokens: number;
  readonly tokenizerHash: string;
  readonly baseHash: string;
}

export interface ChatTemplateOptions extends CallOptions {
  /** End with the marker that opens the assistant's turn; the default. */
  readonly addGenerationPrompt?: boolean | undefined;
}

/** The tokenizer of the run's base. */
export interface Tokenizer {
  info(options?: CallOptions): Promise<TokenizerInfo>;
  /** No special tokens are added. */
  tokenize(texts: readonly string[], options?: CallOptions): Promise<readonly TokenIds[]>;
  /** Special tokens are left out. */
  detokenize(rows: readonly TokenIds[], options?: CallOptions): Promise<readonly string[]>;
  /**
   * The text that the base's chat template makes of each conversation; [chats].
   * @throws BadInputError if the base has no chat template, or it refuses the messages
   */
  applyChatTemplate(
    chats: readonly (readonly ChatMessage[])[],
    options?: ChatTemplateOptions,
  ): Promise<readonly string[]>;
}
