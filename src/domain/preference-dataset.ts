/** One response with a person's rating; only the order of ratings of the same prompt has a meaning. */
export interface RatedResponse {
  /** Unique within the dataset; stable over runs, as the train / held-out split depends on it. */
  readonly id: string;
  readonly text: string;
  readonly rating: number;
}

/**
 * Responses to one prompt. Any two whose ratings differ are a human preference (x, y+, y-): a pair is the group with
 * ratings 1 and 0, a ranked list is a larger one.
 */
export interface PreferenceGroup {
  readonly id: string;
  readonly prompt: string;
  readonly responses: readonly RatedResponse[];
}

/** D_R of Algorithm 1, split once: held-out responses are in no training batch and no reset. */
export interface PreferenceDataset {
  readonly train: readonly PreferenceGroup[];
  readonly heldOut: readonly PreferenceGroup[];
  /** SHA-256 (hexadecimal) of the files and of the options that made the split. */
  readonly hash: string;
}
