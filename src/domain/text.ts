/** Part of a text. */
export interface TextPart {
  readonly text: string;
  /** Special tokens spelled in it are those tokens (a template), not ordinary text (data). */
  readonly specialTokens: boolean;
}

/** A string is data: special tokens spelled in it are ordinary text. */
export type Text = string | readonly TextPart[];
