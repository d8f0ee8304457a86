/** Token ids of one text. Cut and joined as they are, never re-tokenised. */
export type TokenIds = readonly number[];
