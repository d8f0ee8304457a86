import type { ServerWritableStream } from "@grpc/grpc-js";
import type {
  SampledRollout,
  SampleRolloutsRequest,
  SampleRolloutsResponse,
} from "../../proto-gen/drpo/v1/sampler_service.js";
import type { ServiceError } from "../service-error.js";
import type { EngineRow } from "./batching-engine.js";
import type { SimulatedTime } from "./simulated-time.js";

export type SampleStream = ServerWritableStream<SampleRolloutsRequest, SampleRolloutsResponse>;

/** A row of a call on an engine, and what is answered when its time has come. */
export interface ServedRow extends EngineRow {
  readonly call: ServedCall;
  readonly rollout: SampledRollout;
}

/** One SampleRollouts call as the network and its faults make it: what is sent arrives later, or never. */
export class ServedCall {
  private readonly timers = new Set<() => void>();
  private rows = 0;
  private sent = 0;
  private isSilent = false;
  private isOver = false;

  constructor(
    private readonly stream: SampleStream,
    private readonly time: SimulatedTime,
    private readonly latencyMs: () => number,
    private readonly onFinished: (call: ServedCall) => void,
  ) {}

  /** Runs `work` after a delay, unless the call is over by then. */
  after(delayMs: number, work: () => void): void {
    const stop = this.time.at(this.time.now() + delayMs, () => {
      this.timers.delete(stop);
      if (!this.isOver) work();
    });
    this.timers.add(stop);
  }

  /** The call has been admitted with so many rows: a sign of life follows every so often. */
  begin(rows: number, progressEveryMs: number): void {
    this.rows = rows;
    const beat = () => {
      this.write({ $case: "progress", value: { done: BigInt(this.sent), total: BigInt(rows) } });
      this.after(progressEveryMs, beat);
    };
    this.after(progressEveryMs, beat);
  }

  deliver(rollout: SampledRollout): void {
    this.after(this.latencyMs(), () => {
      this.write({ $case: "rollout", value: rollout });
      if (++this.sent < this.rows || this.isSilent) return;
      this.finish();
      this.stream.end();
    });
  }

  /** Says no more, without ending. */
  fallSilent(): void {
    this.isSilent = true;
  }

  refuse(error: ServiceError): void {
    this.finish();
    this.stream.emit("error", error);
  }

  /** Nothing more happens in this call. */
  finish(): void {
    this.isOver = true;
    this.onFinished(this);
    for (const stop of this.timers) stop();
    this.timers.clear();
  }

  private write(update: NonNullable<SampleRolloutsResponse["update"]>): void {
    if (!this.isSilent) this.stream.write({ update });
  }
}
