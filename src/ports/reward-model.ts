import type { ModelHandle } from "../domain/model.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

export interface RewardModel {
  /** @returns the raw score of each row (its template included), read at its last token; [rows]. */
  score(model: ModelHandle, rows: readonly TokenIds[], options?: CallOptions): Promise<readonly number[]>;
}
