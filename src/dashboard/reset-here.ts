import type { TokenIds } from "../domain/token-ids.js";
import type { FreshContinuation } from "./api.js";

/** A state of a run's MDP to go on from, and how. */
export interface ResetHereRequest {
  /** Folder of the run, absolute. */
  readonly directory: string;
  readonly prompt: TokenIds;
  /** First tokens of a response: the state is prompt + prefix. */
  readonly prefix: TokenIds;
  /** The response that the rollout's own prefix was cut from, if any: scores may look it up. */
  readonly sourceId: string | null;
  readonly policy: "best" | "last";
  /** Continuations. */
  readonly number: number;
  /** Null: the recipe's. */
  readonly temperature: number | null;
  readonly seed: number;
}

export interface ResetHereResult {
  /** Of the checkpoint that wrote them. */
  readonly iteration: number;
  readonly promptText: string;
  readonly temperature: number;
  /** Texts without the prefix; scores by the run's reward, of prefix and continuation. */
  readonly continuations: readonly FreshContinuation[];
}

/** What the dashboard needs of a model: fresh continuations of a run's policy, scored as the run scores them. */
export interface ResetHere {
  /** @throws DrpoError if the run has no policy yet, a model is gone, or the server cannot be reached */
  continueFrom(request: ResetHereRequest, options: { readonly signal: AbortSignal }): Promise<ResetHereResult>;
  close(): Promise<void>;
}
