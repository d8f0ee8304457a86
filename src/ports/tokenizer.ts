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

/** The tokenizer of the run's base. */
export interface Tokenizer {
  info(options?: CallOptions): Promise<TokenizerInfo>;
  /** No special tokens are added. */
  tokenize(texts: readonly string[], options?: CallOptions): Promise<readonly TokenIds[]>;
  /** Special tokens are left out. */
  detokenize(rows: readonly TokenIds[], options?: CallOptions): Promise<readonly string[]>;
}
