import type { ModelVersion } from "./model.js";
import type { TokenIds } from "./token-ids.js";

/** A rollout of the same run: with its reset point it is a node of a tree whose children are resets into it. */
export interface RolloutRef {
  readonly iteration: number;
  readonly row: number;
  readonly continuation: number;
}

/** A state s_h to reset to: the prompt and the first tokens of a response. An empty prefix is the prompt itself. */
export interface ResetPoint {
  /** Row of the iteration; with the iteration it seeds everything that is random about the rollout. */
  readonly row: number;
  readonly prompt: TokenIds;
  readonly prefix: TokenIds;
  /** The response that the prefix was cut from, be the cut at its very start; null where nothing was reset to. */
  readonly sourceId: string | null;
  /** Share of the response that was to be given, where a selector goes by fractions. */
  readonly fraction?: number;
  /** The rollout that the prefix was cut from, where the source is the policy's own. */
  readonly parent?: RolloutRef;
  /** Tokens that may be generated from here; at least 1. */
  readonly maxNewTokens: number;
}

export type FinishReason = "stop" | "length";

/** What the policy wrote from a reset point. */
export interface Rollout {
  readonly reset: ResetPoint;
  /** Index among the continuations of the same reset point. */
  readonly continuation: number;
  /** Generated tokens, the end token included; at least 1. */
  readonly generated: TokenIds;
  /** The sampler's log-probability of each generated token, at the sampling temperature; [generated.length]. */
  readonly samplerLogprobs: readonly number[];
  readonly finishReason: FinishReason;
  /** True if the reference drew the first generated token (Algorithm 3: the even mixture). */
  readonly firstActionByReference?: boolean;
  /** The weights that wrote it. */
  readonly version: ModelVersion;
}

/** A rollout with its score r(x, y). */
export interface ScoredRollout extends Rollout {
  readonly score: number;
}

/** A rollout as a run keeps it. */
export interface RecordedRollout extends ScoredRollout {
  /** The response y: prefix and generated tokens. */
  readonly text: string;
  /** Each of those tokens by itself; [prefix.length + generated.length]. Parts of a character are U+FFFD. */
  readonly tokenTexts: readonly string[];
  /** ln pi_SFT of each generated token, at the sampling temperature; [generated.length]. */
  readonly referenceLogprobs: readonly number[];
}

/** prompt + prefix + generated: the row that the models read. */
export const rowTokens = ({ reset, generated }: Rollout): TokenIds => [...reset.prompt, ...reset.prefix, ...generated];

/** prefix + generated: the response y, with its end token if it has one. */
export const responseTokens = ({ reset, generated }: Rollout): TokenIds => [...reset.prefix, ...generated];

/** Generated tokens up to the first end token, that included; all of them where there is none. */
export function tokensUntilEnd(generated: TokenIds, endTokenIds: readonly number[]): number {
  const end = generated.findIndex((token) => endTokenIds.includes(token));
  return end === -1 ? generated.length : end + 1;
}

/** Whether the last token is one of those that end a response. */
export const isEnded = (response: TokenIds, endTokenIds: readonly number[]): boolean =>
  response.length > 0 && endTokenIds.includes(response.at(-1)!);

/** The response without its end token, if it has one. */
export const withoutEnd = (response: TokenIds, endTokenIds: readonly number[]): TokenIds =>
  isEnded(response, endTokenIds) ? response.slice(0, -1) : response;
