import type { TextPart } from "./text.js";

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a response answers: text as the model reads it, or a conversation that the base's chat template turns into it. */
export type Prompt = string | readonly ChatMessage[];

/** One response with a person's rating; only the order of ratings of the same prompt has a meaning. */
export interface RatedResponse {
  /** Unique within the dataset; stable over runs, as the train / held-out split depends on it. */
  readonly id: string;
  readonly text: string;
  readonly rating: number;
  /** The row that it was read from, "/data/pairs.jsonl:12"; left out: none. */
  readonly where?: string | undefined;
}

/**
 * Responses to one prompt. Any two whose ratings differ are a human preference (x, y+, y-): a pair is the group with
 * ratings 1 and 0, a ranked list is a larger one. A group that was read from references has no rated responses.
 */
export interface PreferenceGroup {
  readonly id: string;
  readonly prompt: Prompt;
  /** The same where a template wrote some of it, whose special tokens are tokens; left out: all of it is data. */
  readonly promptParts?: readonly TextPart[];
  readonly responses: readonly RatedResponse[];
  /** A person's own answer (a reference summary), which nobody compared with the responses: its rating, 1, says nothing. */
  readonly reference: RatedResponse | null;
  /** The row that the whole group was read from; left out: its prompt was in none, and its responses have rows of their own. */
  readonly where?: string | undefined;
}

/** D_R of Algorithm 1, and D_TR where it is another dataset; split once: what is held out is in no training and no reset. */
export interface PreferenceDataset {
  readonly train: readonly PreferenceGroup[];
  readonly heldOut: readonly PreferenceGroup[];
  /** Rows that nothing can be learnt from, left out as `data.unusableRows: "skip"` says; what a base can read is told later. */
  readonly skippedRows: number;
  /** SHA-256 (hexadecimal) of the files and of the options that made the dataset. */
  readonly hash: string;
}
