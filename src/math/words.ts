/** The words of a text: runs of letters, marks and digits, in lower case. Nothing else counts, and nothing is stemmed. */
export const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
