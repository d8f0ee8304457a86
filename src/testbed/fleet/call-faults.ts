import { Random } from "../../math/random.js";

/**
 * What happens to a call. "refused": UNAVAILABLE before any work. "dropped": it ends with UNAVAILABLE in the middle.
 * "stalled": it says no more, and never ends. "death": the endpoint's process is killed, with all that it was doing.
 */
export type FaultKind = "refused" | "dropped" | "stalled" | "death";

export interface CallFault {
  readonly kind: FaultKind;
  /** When, after the call's arrival, simulated ms; a call that is over by then is spared. */
  readonly afterMs: number;
}

export interface FaultRates {
  /** Share of calls that meet a fault. */
  readonly share: number;
  /** Latest time of a fault after the call's arrival, simulated ms. */
  readonly withinMs: number;
  /** How often each kind comes, relative to the others. */
  readonly weights: Readonly<Record<FaultKind, number>>;
  readonly seed: number;
}

/** The fault of an attempt of a call, if there is one. */
export type FaultOf = (call: bigint, attempt: number) => CallFault | undefined;

export const NO_FAULTS: FaultOf = () => undefined;

/**
 * Faults belong to a call and its attempt, not to an endpoint or a time: whoever schedules, and whatever is served first,
 * the same calls go wrong in the same way.
 */
export const seededFaults =
  ({ share, withinMs, weights, seed }: FaultRates): FaultOf =>
  (call, attempt) => {
    const random = new Random(call ^ (BigInt(seed) << 32n) ^ BigInt(attempt));
    if (!random.bernoulli(share)) return undefined;
    const kind = draw(weights, random.next());
    return { kind, afterMs: kind === "refused" ? 0 : random.next() * withinMs };
  };

const draw = (weights: FaultRates["weights"], noise: number): FaultKind => {
  const kinds = Object.entries(weights) as [FaultKind, number][];
  let left = noise * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  return (kinds.find(([, weight]) => (left -= weight) < 0) ?? kinds[0]!)[0];
};
