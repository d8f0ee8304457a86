import type { TokenIds } from "./token-ids.js";

/** A response of the data in token ids, with its prompt. */
export interface TokenizedResponse {
  readonly id: string;
  readonly prompt: TokenIds;
  /** Ends with the end-of-sequence token. */
  readonly response: TokenIds;
  readonly rating: number;
}

/** Responses to one prompt; none where the group is only a reference. */
export interface TokenizedGroup {
  readonly id: string;
  /** The whole prompt, a conversation by the base's chat template. */
  readonly promptText: string;
  /** At most data.maxPromptTokens of it. */
  readonly prompt: TokenIds;
  readonly responses: readonly TokenizedResponse[];
  readonly reference: TokenizedResponse | null;
}

/** The dataset as the models read it. */
export interface TokenizedDataset {
  readonly train: readonly TokenizedGroup[];
  readonly heldOut: readonly TokenizedGroup[];
}
