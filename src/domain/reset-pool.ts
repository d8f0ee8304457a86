import type { TokenIds } from "./token-ids.js";

/**
 * A row of a pool: a response, or the beginning of one, that somebody wrote before (another model, a tree search, an
 * earlier run). Prompt and response are each text or token ids; token ids are used as they are.
 */
export interface ResetPoolRow {
  /** Unique within the pool. */
  readonly id: string;
  readonly prompt: string | TokenIds;
  readonly response: string | TokenIds;
  /** The row that it was read from, "/data/pool.jsonl:12"; left out: none. */
  readonly where?: string | undefined;
}

/** A pool file. */
export interface ResetPool {
  readonly rows: readonly ResetPoolRow[];
  /** SHA-256 (hexadecimal) of the file. */
  readonly hash: string;
}
