import { status } from "@grpc/grpc-js";
import { FinishReason, type SampleRolloutsRequest } from "../../proto-gen/drpo/v1/sampler_service.js";
import { findModel } from "../find-model.js";
import { invalid, ServiceError } from "../service-error.js";
import { versionOf } from "../tabular-model.js";
import { findRun, type World } from "../world.js";
import type { EngineSpeed } from "./batching-engine.js";
import type { CallFault, FaultOf } from "./call-faults.js";
import { EngineDriver } from "./engine-driver.js";
import type { RolloutBook } from "./rollout-book.js";
import { type SampleStream, ServedCall, type ServedRow } from "./served-call.js";
import type { SimulatedTime } from "./simulated-time.js";

/** What the endpoints of a fleet share. */
export interface FleetConditions {
  readonly time: SimulatedTime;
  readonly speed: EngineSpeed;
  /** One way, simulated ms; drawn anew for each message. */
  readonly latencyMs: () => number;
  /** A call that computes says so this often, simulated ms. */
  readonly progressEveryMs: number;
  readonly faultOf: FaultOf;
  readonly book: RolloutBook;
  readonly record: FleetRecord;
}

/** What happened so far. */
export interface FleetRecord {
  /** Attempts of each call, by the seed of its first rollout. */
  readonly attempts: Map<bigint, number>;
  /** Faults met, by kind. */
  faults: Record<CallFault["kind"], number>;
  calls: number;
  /** Rows that endpoints computed, those of calls that failed included. */
  rows: number;
  /** How late the simulation itself was, simulated ms, of each row. */
  readonly latenessMs: number[];
}

export const newRecord = (): FleetRecord => ({
  attempts: new Map(),
  faults: { refused: 0, dropped: 0, stalled: 0, death: 0 },
  calls: 0,
  rows: 0,
  latenessMs: [],
});

/** SampleRollouts of one endpoint: contents from the book, times from the engine, faults and latency from the network. */
export class SamplingDesk {
  private readonly engine: EngineDriver<ServedRow>;
  private readonly calls = new Set<ServedCall>();

  /** @param die ends the endpoint's process */
  constructor(
    private readonly world: World,
    private readonly conditions: FleetConditions,
    private readonly die: () => void,
  ) {
    const { speed, time, record } = conditions;
    this.engine = new EngineDriver(speed, time, ({ call, rollout }, lateMs) => {
      record.rows++;
      record.latenessMs.push(lateMs);
      call.deliver(rollout);
    });
  }

  serve(stream: SampleStream): void {
    const { time, latencyMs, faultOf, record } = this.conditions;
    const call = new ServedCall(stream, time, latencyMs, (finished) => this.calls.delete(finished));
    this.calls.add(call);
    stream.on("cancelled", () => this.leave(call));
    record.calls++;
    const fault = nextFault(record, faultOf, stream.request);
    if (fault?.kind === "refused") return this.strike(call, "refused");
    if (fault) call.after(fault.afterMs, () => this.strike(call, fault.kind));
    call.after(latencyMs(), () => this.begin(call, stream.request));
  }

  /** The process is gone: nobody is told. */
  abandon(): void {
    for (const call of [...this.calls]) call.finish();
    this.engine.reset();
  }

  private begin(call: ServedCall, request: SampleRolloutsRequest): void {
    try {
      const rows = this.rowsOf(call, request);
      call.begin(rows.length, this.conditions.progressEveryMs);
      this.engine.add(rows);
    } catch (error) {
      call.refuse(error instanceof ServiceError ? error : new ServiceError(status.INTERNAL, String(error)));
    }
  }

  private rowsOf(call: ServedCall, { runId, model: ref, contexts, params }: SampleRolloutsRequest): ServedRow[] {
    if (params === undefined) throw invalid("params must be set");
    const model = findModel(findRun(this.world, runId), ref);
    const version = versionOf(model);
    const write = this.conditions.book.read(version.weightsHash, model.table, params);
    return contexts.flatMap(({ tokenIds: tokens, maxNewTokens, firstPosition, seeds }, contextIndex) =>
      seeds.map((seed, continuationIndex) => {
        const written = write({ tokens, maxNewTokens, firstPosition, seed });
        const finishReason = written.finishReason === "stop" ? FinishReason.STOP : FinishReason.LENGTH;
        const content = { tokenIds: written.tokens, logprobs: written.logprobs, finishReason, version };
        return {
          call,
          rollout: { contextIndex, continuationIndex, ...content },
          // Continuations share what they start from.
          prefillTokens: continuationIndex === 0 ? tokens.length : 0,
          newTokens: written.tokens.length,
        };
      }),
    );
  }

  private strike(call: ServedCall, kind: CallFault["kind"]): void {
    this.conditions.record.faults[kind]++;
    if (kind === "death") return this.die();
    if (kind === "stalled") return call.fallSilent();
    this.leave(call);
    call.refuse(new ServiceError(status.UNAVAILABLE, `injected: ${kind}`));
  }

  private leave(call: ServedCall): void {
    call.finish();
    this.engine.remove((row) => row.call === call);
  }
}

const nextFault = (record: FleetRecord, faultOf: FaultOf, { contexts }: SampleRolloutsRequest) => {
  const key = contexts[0]?.seeds[0] ?? 0n;
  const attempt = record.attempts.get(key) ?? 0;
  record.attempts.set(key, attempt + 1);
  return faultOf(key, attempt);
};
