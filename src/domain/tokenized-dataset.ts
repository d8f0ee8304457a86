import type { TokenIds } from "./token-ids.js";

/** A response of the data in token ids, with its prompt. */
export interface TokenizedResponse {
  readonly id: string;
  readonly prompt: TokenIds;
  /** Ends with the end-of-sequence token. */
  readonly response: TokenIds;
  readonly rating: number;
}

/** Responses to one prompt. */
export interface TokenizedGroup {
  readonly id: string;
  readonly promptText: string;
  readonly prompt: TokenIds;
  readonly responses: readonly TokenizedResponse[];
}

/** The dataset as the models read it. */
export interface TokenizedDataset {
  readonly train: readonly TokenizedGroup[];
  readonly heldOut: readonly TokenizedGroup[];
}
