import type { status } from "@grpc/grpc-js";

/** "before": the call is refused and nothing was done. "after": the work was done, and its answer is lost. */
export interface Fault {
  readonly code: status;
  readonly when: "before" | "after";
}

/** A call that waits on the server until the test lets it go. */
export interface Hold {
  /** Resolves when the call has arrived. */
  readonly reached: Promise<void>;
  /** Resolves when the client has gone away. */
  readonly cancelled: Promise<void>;
  /** Sends a progress message; streamed calls only. */
  progress(done: number, total: number): void;
  /** Lets the call do its work. */
  release(): void;
}

/** What a test wants to happen to the next calls. Names are those of the proto: "OptimizerStep". */
export interface Faults {
  /** The next call of this rpc that no earlier plan is about fails. */
  failNext(rpc: string, fault: Fault): void;
  holdNext(rpc: string): Hold;
  /** Times that the rpc was called, failed attempts included. */
  callsOf(rpc: string): number;
}

/** A call as its hold sees it. */
export interface HeldCall {
  sendProgress(done: number, total: number): void;
  onCancelled(listener: () => void): void;
}

/** One call's plan, taken when it arrives. */
export type CallPlan = Fault | { readonly wait: (call: HeldCall) => Promise<"released" | "cancelled"> } | undefined;

export interface FaultPlans extends Faults {
  /** Counts the call, and takes its plan if there is one. */
  take(rpc: string): CallPlan;
}

export const createFaults = (): FaultPlans => {
  const plans = new Map<string, CallPlan[]>();
  const calls = new Map<string, number>();
  const plan = (rpc: string, what: CallPlan) => plans.set(rpc, [...(plans.get(rpc) ?? []), what]);
  return {
    failNext: (rpc, fault) => void plan(rpc, fault),
    holdNext(rpc) {
      const { hold, wait } = createHold();
      plan(rpc, { wait });
      return hold;
    },
    callsOf: (rpc) => calls.get(rpc) ?? 0,
    take(rpc) {
      calls.set(rpc, (calls.get(rpc) ?? 0) + 1);
      return plans.get(rpc)?.shift();
    },
  };
};

const createHold = () => {
  const reached = withResolver<HeldCall>();
  const ended = withResolver<"released" | "cancelled">();
  const cancelled = withResolver<void>();
  let held: HeldCall | undefined;
  const hold: Hold = {
    reached: reached.promise.then(() => undefined),
    cancelled: cancelled.promise,
    progress: (done, total) => held?.sendProgress(done, total),
    release: () => ended.resolve("released"),
  };
  const wait = (call: HeldCall) => {
    held = call;
    call.onCancelled(() => {
      cancelled.resolve();
      ended.resolve("cancelled");
    });
    reached.resolve(call);
    return ended.promise;
  };
  return { hold, wait };
};

const withResolver = <T>() => {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
};
