import { BatchingEngine, type EngineRow, type EngineSpeed } from "./batching-engine.js";
import type { FaultKind, FaultOf } from "./call-faults.js";

/** A call that is to be served by any endpoint, all of whose rows have known lengths. */
export interface KnownCall {
  /** Seed of its first rollout, to which its faults belong. */
  readonly key: bigint;
  readonly rows: readonly EngineRow[];
}

export interface ScheduleConditions {
  readonly endpoints: number;
  readonly speed: EngineSpeed;
  /** Calls that an endpoint is given at once. */
  readonly slots: number;
  readonly faultOf: FaultOf;
  /** From the moment at which a call falls silent until it is given up, ms. */
  readonly silenceMs: number;
  /** From the death of an endpoint to its restart, ms. */
  readonly downMs: number;
}

/** When a call ended, ms. */
export interface EndedCall<Call extends KnownCall> {
  readonly call: Call;
  readonly endMs: number;
}

interface PlacedCall<Call extends KnownCall> {
  readonly call: Call;
  readonly attempt: number;
  readonly tokens: number;
  rowsLeft: number;
  isOver: boolean;
}

type PlacedRow<Call extends KnownCall> = EngineRow & { readonly owner: PlacedCall<Call> };

interface Place<Call extends KnownCall> {
  readonly engine: BatchingEngine<PlacedRow<Call>>;
  readonly calls: Set<PlacedCall<Call>>;
  /** Tokens of the calls that are here. */
  tokens: number;
  isDown: boolean;
}

/**
 * List scheduling (Graham 1969) with known lengths: whenever an endpoint has room, the next call of the list goes to the
 * endpoint with the fewest tokens to write. Calls that meet a fault go to the head of the list. No network, no overhead.
 * @returns calls in the order in which they ended
 */
export const listSchedule = <Call extends KnownCall>(
  list: readonly Call[],
  conditions: ScheduleConditions,
): readonly EndedCall<Call>[] => {
  const { faultOf, silenceMs, downMs, slots } = conditions;
  const places = Array.from({ length: conditions.endpoints }, () => newPlace<Call>(conditions.speed));
  const waiting = list.map((call) => placed(call, 0)).reverse();
  const timers: { readonly atMs: number; readonly work: () => void }[] = [];
  const ended: EndedCall<Call>[] = [];
  let now = 0;

  const later = (delayMs: number, work: () => void) => {
    timers.push({ atMs: now + delayMs, work });
    timers.sort((a, b) => b.atMs - a.atMs);
  };
  const leave = (place: Place<Call>, one: PlacedCall<Call>) => {
    one.isOver = true;
    if (place.calls.delete(one)) place.tokens -= one.tokens;
  };
  const repeat = (place: Place<Call>, one: PlacedCall<Call>) => {
    leave(place, one);
    place.engine.remove(({ owner }) => owner === one);
    waiting.push(placed(one.call, one.attempt + 1));
  };
  const kill = (place: Place<Call>) => {
    for (const one of [...place.calls]) repeat(place, one);
    place.isDown = true;
    later(downMs, () => (place.isDown = false));
  };
  const strike = (place: Place<Call>, one: PlacedCall<Call>, kind: FaultKind) => {
    if (one.isOver) return;
    place.engine.advance(now);
    if (kind === "death") return kill(place);
    if (kind !== "stalled") return repeat(place, one);
    one.rowsLeft = Infinity;
    later(silenceMs, () => {
      if (!one.isOver) repeat(place, one);
    });
  };
  const give = (place: Place<Call>, one: PlacedCall<Call>) => {
    const { call, attempt } = one;
    place.calls.add(one);
    place.tokens += one.tokens;
    place.engine.advance(now);
    place.engine.add(call.rows.map((row) => ({ ...row, owner: one })));
    const fault = faultOf(call.key, attempt);
    if (fault) later(fault.afterMs, () => strike(place, one, fault.kind));
  };
  const fill = () => {
    while (waiting.length > 0) {
      const place = leastLoaded(places, slots);
      if (place === undefined) return;
      give(place, waiting.pop()!);
    }
  };
  const endRows = (place: Place<Call>) => {
    for (const { owner } of place.engine.advance(now)) {
      if (--owner.rowsLeft > 0) continue;
      leave(place, owner);
      ended.push({ call: owner.call, endMs: now });
    }
  };

  for (;;) {
    fill();
    const next = firstToEnd(places);
    const end = next.engine.nextEnd();
    const timer = timers.at(-1)?.atMs ?? Infinity;
    if (end === Infinity && timer === Infinity) return ended;
    now = Math.min(end, timer);
    if (timer <= end) timers.pop()!.work();
    else endRows(next);
  }
};

const newPlace = <Call extends KnownCall>(speed: EngineSpeed): Place<Call> => ({
  ...{ engine: new BatchingEngine<PlacedRow<Call>>(speed), calls: new Set() },
  ...{ tokens: 0, isDown: false },
});

const placed = <Call extends KnownCall>(call: Call, attempt: number): PlacedCall<Call> => ({
  ...{ call, attempt, tokens: tokensOf(call) },
  ...{ rowsLeft: call.rows.length, isOver: false },
});

export const tokensOf = ({ rows }: KnownCall): number => rows.reduce((sum, { newTokens }) => sum + newTokens, 0);

/** Looked for at every event, so it makes no lists. */
const leastLoaded = <Call extends KnownCall>(
  places: readonly Place<Call>[],
  slots: number,
): Place<Call> | undefined => {
  let least: Place<Call> | undefined;
  for (const place of places) {
    if (place.isDown || place.calls.size >= slots) continue;
    if (least === undefined || place.tokens < least.tokens) least = place;
  }
  return least;
};

const firstToEnd = <Call extends KnownCall>(places: readonly Place<Call>[]): Place<Call> => {
  let [first, end] = [places[0]!, Infinity];
  for (const place of places) {
    const own = place.engine.nextEnd();
    if (own < end) [first, end] = [place, own];
  }
  return first;
};
