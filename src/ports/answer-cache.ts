/** An answer of a judge that was asked in words, as it is kept. */
export interface KeptAnswer {
  readonly text: string;
  /** Who was asked what, and what was told of the answer: for people who look into the cache. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** Answers that may have cost money, by what decides them; shared by runs and processes, and never asked for twice. */
export interface AnswerCache {
  /** @param key SHA-256 (hexadecimal) of all that decides the answer. @throws CorruptStateError if the entry is damaged */
  get(key: string): Promise<KeptAnswer | null>;
  /** On disk when the promise is kept. @returns what is kept under the key: the answer that came first */
  keep(key: string, answer: KeptAnswer): Promise<KeptAnswer>;
}
